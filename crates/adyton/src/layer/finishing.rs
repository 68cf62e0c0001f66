//! A future that does one thing more to an answer, without the allocation of an `async` block that
//! a layer has to box.

use crate::Rejection;
use axum::response::{IntoResponse, Response};
use pin_project_lite::pin_project;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

/// What is done to an answer.
pub trait Finish {
    fn finish(self, response: &mut Response);
}

pin_project! {
    /// The answer of an inner service, or a refusal in its place, then [`Finish`].
    pub struct Finishing<F, D> {
        #[pin]
        answer: Answer<F>,
        finish: Option<D>,
    }
}

pin_project! {
    #[project = Stage]
    enum Answer<F> {
        Inner { #[pin] answer: F },
        Refused { rejection: Option<Rejection> },
    }
}

impl<F, D> Finishing<F, D> {
    pub(super) fn new(answer: Result<F, Rejection>, finish: D) -> Self {
        let answer = match answer {
            Ok(answer) => Answer::Inner { answer },
            Err(rejection) => Answer::Refused { rejection: Some(rejection) },
        };
        Self { answer, finish: Some(finish) }
    }
}

impl<F, D, R, E> Future for Finishing<F, D>
where
    F: Future<Output = Result<R, E>>,
    R: IntoResponse,
    D: Finish,
{
    type Output = Result<Response, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let mut response = match this.answer.project() {
            Stage::Inner { answer } => ready!(answer.poll(cx))?.into_response(),
            Stage::Refused { rejection } => {
                rejection.take().map(IntoResponse::into_response).unwrap_or_default()
            }
        };
        if let Some(finish) = this.finish.take() {
            finish.finish(&mut response);
        }
        Poll::Ready(Ok(response))
    }
}
