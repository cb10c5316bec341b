//! A job of a scheduler without workers: it stays until somebody gives it up.

use std::sync::Arc;

use ballista_core::extension::{SessionConfigExt, SessionConfigHelperExt};
use ballista_core::serde::protobuf::execute_query_params::Query;
use ballista_core::version::insert_version_header;
use ballista_scheduler::cluster::BallistaCluster;
use ballista_scheduler::config::SchedulerConfig;
use ballista_scheduler::scheduler_process::create_scheduler;
use datafusion::prelude::SessionConfig;
use datafusion_proto::physical_plan::AsExecutionPlan;
use futures::StreamExt;

use super::super::codec::Codec;
use super::super::operator::PartialCubes;
use super::super::parts::FilePart;
use super::*;

async fn scheduler() -> Attended {
    let config = SchedulerConfig {
        override_physical_codec: Some(Arc::new(Codec::new(None))),
        job_id_generator: Some(Arc::new(Names)),
        ..SchedulerConfig::default()
    };
    let cluster = BallistaCluster::new_from_config(&config).await;
    let cluster = cluster.expect("a cluster");
    let scheduler = create_scheduler(cluster, config.into()).await;
    Attended::new(scheduler.expect("a scheduler"))
}

/// Work for one worker.
fn asked() -> Request<ExecuteQueryParams> {
    let part = vec![FilePart {
        path: "entries/assets/one.parquet".to_owned(),
        size_bytes: 1,
        rows: 1,
        first_seq: 1,
        last_seq: 1,
        bytes: None,
    }];
    let plan = PartialCubes::of_all(Arc::from(&b"share"[..]), &[part]).expect("a plan");
    let plan = PhysicalPlanNode::try_from_physical_plan(Arc::new(plan), &Codec::new(None));
    let mut bytes = Vec::new();
    plan.expect("it travels")
        .try_encode(&mut bytes)
        .expect("bytes");
    let mut asked = Request::new(ExecuteQueryParams {
        session_id: fresh_name("session"),
        operation_id: fresh_name("operation"),
        settings: SessionConfig::new_with_ballista().to_key_value_pairs(),
        query: Some(Query::PhysicalPlan(bytes)),
    });
    insert_version_header(asked.metadata_mut());
    asked
}

/// How a job stands once it is more than planned.
async fn state(scheduler: &Attended, job: &str) -> Option<State> {
    loop {
        let job_id = job.to_owned();
        let told = scheduler.get_job_status(Request::new(GetJobStatusParams { job_id }));
        let told = told.await.expect("it is told").into_inner();
        match told.status.and_then(|job| job.status) {
            None | Some(State::Queued(_)) => tokio::task::yield_now().await,
            state => return state,
        }
    }
}

fn block_on<T>(work: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build();
    runtime.expect("a runtime").block_on(work)
}

fn name(attendance: &Attendance) -> String {
    let (_, job) = attendance.job.as_ref().expect("it has not ended");
    job.clone()
}

#[test]
fn a_job_that_somebody_waits_for_stays_and_is_cancelled_when_nobody_does() {
    block_on(async {
        let scheduler = scheduler().await;
        let taken = || async {
            let taken = scheduler.execute_query_push(asked()).await;
            taken.expect("it is taken in").into_inner()
        };
        let (left, kept) = (taken().await, taken().await);
        let (of_left, of_kept) = (name(&left), name(&kept));
        // At once: it may not even be planned.
        drop(left);
        let failed = loop {
            match state(&scheduler, &of_left).await {
                Some(State::Failed(failed)) => break failed,
                _ => tokio::task::yield_now().await,
            }
        };
        assert_eq!(failed.error, "Cancelled");
        let state = state(&scheduler, &of_kept).await;
        assert!(matches!(state, Some(State::Running(_))), "{state:?}");
        drop(kept);
    });
}

#[test]
fn a_job_is_cancelled_for_who_is_told_as_well() {
    block_on(async {
        let scheduler = scheduler().await;
        let taken = scheduler.execute_query_push(asked()).await;
        let mut told = taken.expect("it is taken in").into_inner();
        let job_id = name(&told);
        assert!(matches!(
            state(&scheduler, &job_id).await,
            Some(State::Running(_))
        ));
        // Again, as long as it is not yet where it could be cancelled.
        while !matches!(state(&scheduler, &job_id).await, Some(State::Failed(_))) {
            let job_id = job_id.clone();
            let cancelled = scheduler.cancel_job(Request::new(CancelJobParams { job_id }));
            assert!(cancelled.await.expect("it is taken").get_ref().cancelled);
        }
        let mut last = None;
        while let Some(next) = told.next().await {
            last = next.expect("a status").status.and_then(|job| job.status);
        }
        assert!(matches!(last, Some(State::Failed(_))), "{last:?}");
        assert!(told.job.is_none(), "there is nothing to give up any more");
    });
}
