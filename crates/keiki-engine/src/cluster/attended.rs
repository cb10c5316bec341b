//! A scheduler whose jobs live as long as somebody waits for them.
//!
//! Ballista computes to the end what it was asked for, whoever has gone meanwhile. Who asks is told over a stream how the job stands.
//! Where that is closed before the job has ended, patience was over, somebody interrupted the program or its machine is gone. Then the
//! job is cancelled here, and with it what workers compute of it.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use async_trait::async_trait;
use ballista_core::serde::protobuf::job_status::Status as State;
use ballista_core::serde::protobuf::scheduler_grpc_server::SchedulerGrpc;
use ballista_core::serde::protobuf::{
    CancelJobParams, CancelJobResult, CleanJobDataParams, CleanJobDataResult,
    CreateUpdateSessionParams, CreateUpdateSessionResult, ExecuteQueryParams, ExecuteQueryResult,
    ExecutorStoppedParams, ExecutorStoppedResult, GetJobMetricsParams, GetJobMetricsResult,
    GetJobStatusParams, GetJobStatusResult, HeartBeatParams, HeartBeatResult, PollWorkParams,
    PollWorkResult, RegisterExecutorParams, RegisterExecutorResult, RemoveSessionParams,
    RemoveSessionResult, UpdateTaskStatusParams, UpdateTaskStatusResult,
};
use ballista_scheduler::scheduler_server::{JobIdGenerator, SchedulerServer};
use datafusion_proto::protobuf::{LogicalPlanNode, PhysicalPlanNode};
use futures::Stream;
use tokio::runtime::Handle;
use tonic::{Request, Response, Status};

use super::asking::fresh_name;

/// How often it is looked whether a job that is to be cancelled has ended.
const LOOKING: Duration = Duration::from_millis(50);

/// How often at most: a job is planned within moments, and then it can be cancelled.
const LOOKS: u32 = 1200;

type Answer<T> = Result<Response<T>, Status>;
type Scheduler = SchedulerServer<LogicalPlanNode, PhysicalPlanNode>;
type Statuses = <Scheduler as SchedulerGrpc>::ExecuteQueryPushStream;

tokio::task_local! {
    /// The name of the job that is being taken in.
    static NAME: String;
}

/// Gives a job the name that stands for it already while it is taken in: who has it cancelled need not wait for its first status.
pub(super) struct Names;

#[async_trait]
impl JobIdGenerator for Names {
    async fn next_id(&self) -> String {
        NAME.try_with(Clone::clone).unwrap_or_else(|_| job_name())
    }
}

fn job_name() -> String {
    fresh_name("job")
}

/// Ballista's scheduler, which this one passes everything on to.
pub(super) struct Attended(Scheduler);

impl Attended {
    pub(super) fn new(scheduler: Scheduler) -> Self {
        Self(scheduler)
    }

    async fn take_in(&self, asked: Request<ExecuteQueryParams>) -> Answer<Attendance> {
        let scheduler = self.0.clone();
        // A task of its own: who asks may go while the job is taken in, and then it is cancelled like any other.
        let taken = tokio::spawn(async move {
            let job = job_name();
            let taken = SchedulerGrpc::execute_query_push(&scheduler, asked);
            let answer = NAME.scope(job.clone(), taken).await?;
            Ok(answer.map(|statuses| Attendance {
                job: Some((scheduler, job)),
                statuses,
            }))
        });
        let taken = taken.await;
        taken.map_err(|error| Status::internal(error.to_string()))?
    }
}

/// What somebody is told who waits for a job.
pub(super) struct Attendance {
    /// The job, until it has ended.
    job: Option<(Scheduler, String)>,
    statuses: Statuses,
}

impl Stream for Attendance {
    type Item = Result<GetJobStatusResult, Status>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let told = ready!(self.statuses.as_mut().poll_next(context));
        let is_last = match &told {
            Some(Ok(told)) => has_ended(told),
            Some(Err(_)) | None => true,
        };
        if is_last {
            self.job = None;
        }
        Poll::Ready(told)
    }
}

impl Drop for Attendance {
    fn drop(&mut self) {
        // Without a runtime the scheduler itself is at its end.
        if let (Some((scheduler, job)), Ok(runtime)) = (self.job.take(), Handle::try_current()) {
            runtime.spawn(cancel(scheduler, job));
        }
    }
}

fn has_ended(told: &GetJobStatusResult) -> bool {
    let state = told.status.as_ref().and_then(|job| job.status.as_ref());
    matches!(state, Some(State::Failed(_) | State::Successful(_)))
}

/// Cancels a job, which may be planned yet: until then there is nothing that could be cancelled.
async fn cancel(scheduler: Scheduler, job: String) {
    tracing::info!(job, "nobody waits for a job any more; it is cancelled");
    for _ in 0..LOOKS {
        let job_id = job.clone();
        let asked = Request::new(GetJobStatusParams { job_id });
        match SchedulerGrpc::get_job_status(&scheduler, asked).await {
            Ok(told) if has_ended(told.get_ref()) => return,
            Ok(told) if is_running(told.get_ref()) => {
                if let Err(error) = scheduler.cancel_job(job.clone().into()).await {
                    tracing::warn!(job, %error, "a job could not be cancelled");
                    return;
                }
            }
            Ok(_) => {}
            Err(error) => {
                tracing::warn!(job, %error, "a job could not be cancelled");
                return;
            }
        }
        tokio::time::sleep(LOOKING).await;
    }
    tracing::warn!(job, "a job that was cancelled has not ended");
}

fn is_running(told: &GetJobStatusResult) -> bool {
    let state = told.status.as_ref().and_then(|job| job.status.as_ref());
    matches!(state, Some(State::Running(_)))
}

/// Passes calls on as they are.
macro_rules! passing_on {
    ($($call:ident($asked:ident) -> $answer:ident;)*) => {
        #[async_trait]
        impl SchedulerGrpc for Attended {
            type ExecuteQueryPushStream = Attendance;

            async fn execute_query_push(
                &self,
                asked: Request<ExecuteQueryParams>,
            ) -> Answer<Attendance> {
                self.take_in(asked).await
            }

            $(
                async fn $call(&self, asked: Request<$asked>) -> Answer<$answer> {
                    SchedulerGrpc::$call(&self.0, asked).await
                }
            )*
        }
    };
}

passing_on! {
    poll_work(PollWorkParams) -> PollWorkResult;
    register_executor(RegisterExecutorParams) -> RegisterExecutorResult;
    heart_beat_from_executor(HeartBeatParams) -> HeartBeatResult;
    update_task_status(UpdateTaskStatusParams) -> UpdateTaskStatusResult;
    create_update_session(CreateUpdateSessionParams) -> CreateUpdateSessionResult;
    remove_session(RemoveSessionParams) -> RemoveSessionResult;
    execute_query(ExecuteQueryParams) -> ExecuteQueryResult;
    get_job_status(GetJobStatusParams) -> GetJobStatusResult;
    get_job_metrics(GetJobMetricsParams) -> GetJobMetricsResult;
    executor_stopped(ExecutorStoppedParams) -> ExecutorStoppedResult;
    cancel_job(CancelJobParams) -> CancelJobResult;
    clean_job_data(CleanJobDataParams) -> CleanJobDataResult;
}

#[cfg(test)]
mod tests;
