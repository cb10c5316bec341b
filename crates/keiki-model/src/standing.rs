//! How KPIs stand as one thing: where a KPI has several figures, as the worst of them.

use std::collections::HashMap;

use crate::measurement::Measurement;
use crate::status::Status;

/// The statuses of KPIs, of all whose figures are among some measurements: by KPI, org unit and period.
#[derive(Debug, Clone, Default)]
pub struct KpiStatuses<'m>(HashMap<Place<'m>, Status>);

type Place<'m> = (u32, &'m str, &'m str);

fn place(one: &Measurement) -> Place<'_> {
    (one.no, &one.org_unit, &one.period)
}

impl<'m> KpiStatuses<'m> {
    /// Takes the worst of each KPI's own figures; companions have no say.
    #[must_use]
    pub fn new(measurements: impl IntoIterator<Item = &'m Measurement>) -> Self {
        let mut found: HashMap<Place<'m>, Status> = HashMap::new();
        let own = measurements.into_iter().filter(|one| !one.is_companion);
        for one in own {
            let so_far = found.get(&place(one)).copied();
            let worst = Status::worst(so_far.into_iter().chain([one.status]));
            found.extend(worst.map(|worst| (place(one), worst)));
        }
        Self(found)
    }

    /// How the KPI of a measurement stands for the same org unit and period; `None` where none of its own figures is there.
    #[must_use]
    pub fn of(&self, one: &Measurement) -> Option<Status> {
        self.0.get(&place(one)).copied()
    }
}
