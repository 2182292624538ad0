//! What a listener serves, by path: so that a refusal is counted by its route, and one of a path that
//! somebody has made up is counted with all others of its kind.
use crate::metrics::{ListenerLabel, Metrics};
use actix_web::http::StatusCode;

/// A path as the service knows it, and the statuses besides 200 that may come of it.
pub(crate) type Route = (&'static str, &'static [u16]);

/// Whatever is asked for and is no route, as it is counted.
const NO_ROUTE: &str = "none";

/// The routes of one listener.
#[derive(Clone, Debug)]
pub(crate) struct Routes {
    pub(crate) all: Vec<Route>,
    /// What a route answers to a verb that is not its own.
    pub(crate) other_verb: StatusCode,
    /// What any route may answer because of who asks.
    pub(crate) who_asks: &'static [u16],
}

impl Routes {
    /// The route as it is counted.
    pub(super) fn counted(&self, pattern: Option<&str>) -> &'static str {
        let mut paths = self.all.iter().map(|(path, _)| *path);
        let known = paths.find(|path| Some(*path) == pattern);
        known.unwrap_or(NO_ROUTE)
    }

    /// Every refusal that is foreseen is counted from the first look at the metrics on.
    pub(super) fn count_from_zero(&self, label: ListenerLabel, metrics: &Metrics) {
        let show = |route, status| drop(metrics.requests_refused_series(label, route, status));
        let who_asks = |route| self.who_asks.iter().for_each(|status| show(route, *status));
        metrics.show_route(label, NO_ROUTE);
        show(NO_ROUTE, StatusCode::NOT_FOUND.as_u16());
        who_asks(NO_ROUTE);
        for (route, statuses) in &self.all {
            metrics.show_route(label, route);
            show(route, self.other_verb.as_u16());
            who_asks(route);
            let refusals = statuses.iter().filter(|status| **status >= 400);
            refusals.for_each(|status| show(route, *status));
        }
    }
}
