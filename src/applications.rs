//! The applications that this build has besides what every build does.
use lockstep_protocol::application::Applications;
use std::sync::OnceLock;

/// Said once, before any subcommand runs.
static KNOWN: OnceLock<Applications> = OnceLock::new();

/// Says which ones there are; whoever says so a second time changes nothing.
pub(crate) fn know(applications: Applications) {
    KNOWN.get_or_init(|| applications);
}

/// Those of this build.
pub(crate) fn known() -> Applications {
    KNOWN.get().cloned().unwrap_or_default()
}
