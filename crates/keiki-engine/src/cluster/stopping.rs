//! Stops what a worker computes for a job that was cancelled.
//!
//! A worker of Ballista that comes for its work itself cannot be told to stop. So this answers, at the address where cubes are fetched,
//! the call by which Ballista's scheduler stops tasks.

use std::collections::VecDeque;
use std::sync::Arc;

use async_trait::async_trait;
use ballista_core::serde::protobuf::executor_grpc_server::ExecutorGrpc;
use ballista_core::serde::protobuf::{
    CancelTasksParams, CancelTasksResult, LaunchMultiTaskParams, LaunchMultiTaskResult,
    LaunchTaskParams, LaunchTaskResult, RemoveJobDataParams, RemoveJobDataResult, RunningTaskInfo,
    StopExecutorParams, StopExecutorResult,
};
use tokio::sync::watch;
use tonic::{Request, Response, Status};

/// How many tasks are remembered that were stopped: it may be said before the task has begun here.
const REMEMBERED: usize = 1024;

/// A task, as a scheduler knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Task {
    job: String,
    stage: u32,
    number: u32,
}

impl Task {
    /// Reads what Ballista calls a task where it runs: `TID job/stage.attempt/task.attempt`.
    pub(super) fn parse(name: &str) -> Option<Self> {
        let mut words = name.strip_prefix("TID ")?.rsplitn(3, '/');
        let mut number = || words.next()?.split('.').next()?.parse().ok();
        let (number, stage) = (number()?, number()?);
        let job = words.next()?.to_owned();
        Some(Self { job, stage, number })
    }
}

impl From<RunningTaskInfo> for Task {
    fn from(info: RunningTaskInfo) -> Self {
        Self {
            job: info.job_id,
            stage: info.stage_id,
            number: info.task_id,
        }
    }
}

/// The tasks that were stopped last.
#[derive(Debug, Clone, Default)]
pub(super) struct Stopped(Arc<watch::Sender<VecDeque<Task>>>);

impl Stopped {
    fn stop(&self, task: Task) {
        tracing::info!(
            job = task.job,
            stage = task.stage,
            task = task.number,
            "a task is stopped: its job was cancelled"
        );
        self.0.send_modify(|stopped| {
            stopped.truncate(REMEMBERED - 1);
            stopped.push_front(task);
        });
    }

    /// Works for a task until it is done, or stopped: then there is nothing.
    pub(super) async fn unless<T>(&self, task: &Task, work: impl Future<Output = T>) -> Option<T> {
        let mut stopped = self.0.subscribe();
        tokio::select! {
            biased;
            _ = stopped.wait_for(|stopped| stopped.contains(task)) => None,
            done = work => Some(done),
        }
    }
}

#[async_trait]
impl ExecutorGrpc for Stopped {
    async fn cancel_tasks(
        &self,
        asked: Request<CancelTasksParams>,
    ) -> Result<Response<CancelTasksResult>, Status> {
        for task in asked.into_inner().task_infos {
            self.stop(task.into());
        }
        Ok(Response::new(CancelTasksResult { cancelled: true }))
    }

    /// Said to a worker that counts as lost. It comes for work again when it can.
    async fn stop_executor(
        &self,
        _: Request<StopExecutorParams>,
    ) -> Result<Response<StopExecutorResult>, Status> {
        Ok(Response::new(StopExecutorResult {}))
    }

    async fn launch_task(
        &self,
        _: Request<LaunchTaskParams>,
    ) -> Result<Response<LaunchTaskResult>, Status> {
        Err(comes_for_work())
    }

    async fn launch_multi_task(
        &self,
        _: Request<LaunchMultiTaskParams>,
    ) -> Result<Response<LaunchMultiTaskResult>, Status> {
        Err(comes_for_work())
    }

    async fn remove_job_data(
        &self,
        _: Request<RemoveJobDataParams>,
    ) -> Result<Response<RemoveJobDataResult>, Status> {
        Err(comes_for_work())
    }
}

fn comes_for_work() -> Status {
    Status::unimplemented("this worker comes for its work itself")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn task(number: u32) -> Task {
        Task {
            job: "job-1/a".to_owned(),
            stage: 2,
            number,
        }
    }

    fn asked(numbers: impl Iterator<Item = u32>) -> Request<CancelTasksParams> {
        let info = |task: Task| RunningTaskInfo {
            task_id: task.number,
            job_id: task.job,
            stage_id: task.stage,
        };
        let task_infos = numbers.map(|number| info(task(number))).collect();
        Request::new(CancelTasksParams { task_infos })
    }

    fn block_on<T>(work: impl Future<Output = T>) -> T {
        let runtime = tokio::runtime::Builder::new_current_thread().build();
        runtime.expect("a runtime").block_on(work)
    }

    #[test]
    fn a_task_is_known_by_the_name_that_it_runs_under() {
        assert_eq!(Task::parse("TID job-1/a/2.0/17.3"), Some(task(17)));
        for other in ["job/2.0/17.3", "TID job/2.0", "TID job/2.0/x.3", ""] {
            assert_eq!(Task::parse(other), None, "{other}");
        }
    }

    #[test]
    fn a_task_that_is_stopped_ends_and_others_go_on() {
        block_on(async {
            let stopped = Stopped::default();
            let (first, second) = (task(1), task(2));
            let never = stopped.unless(&first, std::future::pending::<()>());
            let stopping = stopped.cancel_tasks(asked(1..2));
            let (ended, told) = futures::join!(never, stopping);
            assert_eq!(ended, None);
            assert!(told.expect("it is told").get_ref().cancelled);
            let other = stopped.unless(&second, async { 7 }).await;
            assert_eq!(other, Some(7));
        });
    }

    #[test]
    fn a_task_that_was_stopped_before_it_came_does_not_begin() {
        block_on(async {
            let stopped = Stopped::default();
            let many = u32::try_from(REMEMBERED).expect("a number");
            let told = stopped.cancel_tasks(asked(0..=many)).await;
            assert!(told.is_ok());
            let last = task(many);
            assert_eq!(stopped.unless(&last, async {}).await, None);
            let forgotten = task(0);
            assert_eq!(stopped.unless(&forgotten, async {}).await, Some(()));
        });
    }
}
