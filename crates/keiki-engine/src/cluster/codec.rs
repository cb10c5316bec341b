//! How the operator travels: as what a worker is told. All other operators travel as Ballista has them travel.

use std::sync::Arc;

use ballista_core::serde::BallistaPhysicalExtensionCodec;
use datafusion::error::DataFusionError;
use datafusion::execution::TaskContext;
use datafusion::physical_plan::ExecutionPlan;
use datafusion_proto::physical_plan::{PhysicalExtensionCodec, PhysicalProtoConverterExtension};

use super::computing::Reader;
use super::operator::PartialCubes;

/// What the operator's bytes begin with.
const MARK: &[u8] = b"keiki partial cubes\n";

/// Writes and reads operators.
#[derive(Debug)]
pub(super) struct Codec {
    others: BallistaPhysicalExtensionCodec,
    /// What a worker's operators read files with; `None` where nothing is computed.
    reader: Option<Arc<Reader>>,
}

impl Codec {
    pub(super) fn new(reader: Option<Arc<Reader>>) -> Self {
        Self {
            others: BallistaPhysicalExtensionCodec::default(),
            reader,
        }
    }
}

impl PhysicalExtensionCodec for Codec {
    fn try_decode(
        &self,
        bytes: &[u8],
        inputs: &[Arc<dyn ExecutionPlan>],
        context: &TaskContext,
        converter: &dyn PhysicalProtoConverterExtension,
    ) -> Result<Arc<dyn ExecutionPlan>, DataFusionError> {
        let Some(share) = bytes.strip_prefix(MARK) else {
            return self.others.try_decode(bytes, inputs, context, converter);
        };
        let [input] = inputs else {
            let why = "partial cubes have one input".to_owned();
            return Err(DataFusionError::Internal(why));
        };
        let (input, reader) = (Arc::clone(input), self.reader.clone());
        Ok(Arc::new(PartialCubes::new(share.into(), input, reader)))
    }

    fn try_encode(
        &self,
        node: Arc<dyn ExecutionPlan>,
        bytes: &mut Vec<u8>,
        converter: &dyn PhysicalProtoConverterExtension,
    ) -> Result<(), DataFusionError> {
        let Some(own) = node.downcast_ref::<PartialCubes>() else {
            return self.others.try_encode(node, bytes, converter);
        };
        bytes.extend_from_slice(MARK);
        bytes.extend_from_slice(&own.share);
        Ok(())
    }
}
