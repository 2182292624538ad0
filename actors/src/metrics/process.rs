//! What the process uses, under the names that every Prometheus client has for it. All nodes of one
//! process tell the same.
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use rustix::process::{Resource, getrlimit};
use std::{fmt, fs};

/// Looks at each scrape.
#[derive(Debug)]
pub(super) struct ProcessCollector;

impl Collector for ProcessCollector {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let process = look();
        if let Some(seconds) = process.cpu_seconds {
            let help = "Seconds of processor time that this process has used";
            let name = "process_cpu_seconds";
            let counter = encoder.encode_descriptor(name, help, None, MetricType::Counter)?;
            ConstCounter::new(seconds).encode(counter)?;
        }
        let figure = |bytes: Option<u64>| bytes.map(|bytes| bytes as f64);
        let gauges = [
            (
                "process_resident_memory_bytes",
                "Bytes of memory that this process holds",
                figure(process.resident_bytes),
            ),
            (
                "process_virtual_memory_bytes",
                "Bytes of address space that this process has, most of it the maps of databases",
                figure(process.virtual_bytes),
            ),
            (
                "process_open_fds",
                "Descriptors that this process has open",
                figure(process.open_descriptors),
            ),
            (
                "process_max_fds",
                "Descriptors that this process may have",
                figure(process.descriptors_max),
            ),
            (
                "process_start_time_seconds",
                "When this process began, in seconds since 1970",
                process.started_seconds,
            ),
        ];
        for (name, help, value) in gauges {
            if let Some(value) = value {
                let gauge = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
                ConstGauge::new(value).encode(gauge)?;
            }
        }
        Ok(())
    }
}

/// In which the kernel counts for programs (USER_HZ), whatever it counts in itself.
const TICKS_PER_SECOND: f64 = 100.0;

/// As it is now; what this system does not say is missing.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Process {
    cpu_seconds: Option<f64>,
    resident_bytes: Option<u64>,
    virtual_bytes: Option<u64>,
    open_descriptors: Option<u64>,
    descriptors_max: Option<u64>,
    started_seconds: Option<f64>,
}

/// Looks; it reads a few small files of the kernel.
fn look() -> Process {
    let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let boot = fs::read_to_string("/proc/stat").ok();
    let boot = boot.as_deref().and_then(boot_seconds);
    let listed = fs::read_dir("/proc/self/fd").ok();
    // One of them is the listing's own.
    let open = listed.map(|open| (open.count() as u64).saturating_sub(1));
    let fields = Fields::of(&stat);
    Process {
        cpu_seconds: fields.map(|fields| fields.cpu_ticks / TICKS_PER_SECOND),
        resident_bytes: kibibytes(&status, "VmRSS:"),
        virtual_bytes: kibibytes(&status, "VmSize:"),
        open_descriptors: open,
        descriptors_max: getrlimit(Resource::Nofile).current,
        started_seconds: fields
            .and_then(|fields| Some(boot? + fields.start_ticks / TICKS_PER_SECOND)),
    }
}

/// Of `/proc/self/stat` what is wanted here (proc_pid_stat(5)).
#[derive(Clone, Copy, Debug, PartialEq)]
struct Fields {
    cpu_ticks: f64,
    start_ticks: f64,
}

impl Fields {
    fn of(stat: &str) -> Option<Fields> {
        // The second field is the program's name, which may hold anything. The third is the next.
        let (_, behind) = stat.rsplit_once(')')?;
        let fields: Vec<&str> = behind.split_ascii_whitespace().collect();
        let number = |field: usize| fields.get(field - 3)?.parse::<u64>().ok();
        Some(Fields {
            cpu_ticks: number(14)?.saturating_add(number(15)?) as f64,
            start_ticks: number(22)? as f64,
        })
    }
}

/// A line of `/proc/self/status`, in bytes.
fn kibibytes(status: &str, name: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    let number: u64 = line.trim().strip_suffix(" kB")?.parse().ok()?;
    number.checked_mul(1024)
}

fn boot_seconds(stat: &str) -> Option<f64> {
    let line = stat.lines().find_map(|line| line.strip_prefix("btime "));
    line?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_strange_name_of_the_program_confuses_nobody() {
        let behind: Vec<String> = (4..=52).map(|field: u64| field.to_string()).collect();
        let stat = format!("7 (a) b) S {}", behind.join(" "));
        let fields = Fields::of(&stat).unwrap();
        assert_eq!(fields.cpu_ticks, 29.0);
        assert_eq!(fields.start_ticks, 22.0);
        assert_eq!(
            kibibytes("A:\t1 kB\nVmRSS:\t  7 kB\n", "VmRSS:"),
            Some(7 * 1024)
        );
        for strange in ["", "VmRSS:", "VmRSS: 7", "VmRSS: 99999999999999999999 kB"] {
            assert_eq!(kibibytes(strange, "VmRSS:"), None);
        }
        for broken in [
            "",
            "7 (a",
            "7 (a) S 1 2",
            "7 (a) S x x x x x x x x x x x x x x x x x x x x x x",
        ] {
            assert_eq!(Fields::of(broken), None, "{broken:?}");
        }
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn this_process_has_begun_and_uses_something() {
        let process = look();
        assert!(process.cpu_seconds.unwrap() >= 0.0);
        assert!(process.resident_bytes.unwrap() > 1 << 20);
        assert!(process.virtual_bytes > process.resident_bytes);
        assert!(process.open_descriptors.unwrap() >= 3);
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        let now = now.unwrap().as_secs_f64();
        assert!(process.started_seconds.unwrap() <= now + 2.0);
    }
}
