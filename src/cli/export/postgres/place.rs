//! Which database is meant: a URL, completed by the variables that PostgreSQL's own programs read. What
//! is refused is never repeated: it may hold a password.
use crate::environment::variable;
use crate::failure::Failure;
use std::path::{Path, PathBuf};
use tokio_postgres::Config;
use tokio_postgres::config::{Host, SslMode};

const PORT: u16 = 5432;
/// Where PostgreSQL listens on this machine: Debian's directory, its older name, everybody else's.
const SOCKETS: [&str; 3] = ["/run/postgresql", "/var/run/postgresql", "/tmp"];

const RIGHT: &str = "write postgres://USER@HOST:PORT/DATABASE, or postgres://USER@/DATABASE for the \
                     socket of this machine; %40 stands for @ in a password, %2F for /";
const NO_TLS: &str = "this program speaks no TLS: let it reach the database by a local socket, or by a \
                      tunnel (ssh -L 5432:127.0.0.1:5432 HOST) as 127.0.0.1, without sslmode";
const UNSEALED: &str = "the database is on another machine and this program speaks no TLS: lead a \
                        tunnel there (ssh -L 5432:127.0.0.1:5432 HOST) and name 127.0.0.1, or write \
                        sslmode=disable into the URL if nobody else is on the way";

/// A password that is shorter would be told by what is left of the words around it.
const TELLING_BYTES: usize = 6;

/// Where somebody may answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Door {
    Socket(PathBuf),
    Tcp(String, u16),
}

pub(super) struct Place {
    pub(super) config: Config,
    /// Tried in this order.
    pub(super) doors: Vec<Door>,
    /// For people: without a password.
    pub(super) name: String,
    password: Option<String>,
}

/// The variables of PostgreSQL's own programs.
pub(super) type Variables<'a> = &'a dyn Fn(&str) -> Result<Option<String>, Failure>;

impl Place {
    pub(super) fn read(url: &str) -> Result<Place, Failure> {
        Place::read_with(url, &|name| variable(name))
    }

    pub(super) fn read_with(url: &str, of: Variables<'_>) -> Result<Place, Failure> {
        if url.contains("sslmode=require") || url.contains("sslmode=verify") {
            return Err(Failure::usage(NO_TLS));
        }
        // Its own words repeat what they do not understand.
        let config = url.parse();
        let mut config: Config = config
            .map_err(|_| Failure::usage(format!("the target is no URL of PostgreSQL: {RIGHT}")))?;
        if config.get_ssl_mode() == SslMode::Require || is_sealed(of)? {
            return Err(Failure::usage(NO_TLS));
        }
        complete(&mut config, of)?;
        demand_names(&config)?;
        let doors = doors(&config, of)?;
        if !doors.iter().all(Door::is_here) && config.get_ssl_mode() != SslMode::Disable {
            return Err(Failure::usage(UNSEALED));
        }
        config.application_name("lockstep export");
        let password = config.get_password();
        Ok(Place {
            name: name(&config, &doors),
            password: password.map(|bytes| String::from_utf8_lossy(bytes).into_owned()),
            doors,
            config,
        })
    }

    /// What the server says without the password, which a server may repeat.
    pub(super) fn without_password(&self, text: &str) -> String {
        match self.password.as_deref() {
            // What is left of a word would tell a short one.
            Some(password) if password.len() < TELLING_BYTES && text.contains(password) => {
                "(its words may have the password in them)".to_owned()
            }
            Some(password) if !password.is_empty() => text.replace(password, "…"),
            _ => text.to_owned(),
        }
    }
}

impl Door {
    /// Whether what is sent there stays on this machine.
    fn is_here(&self) -> bool {
        match self {
            Door::Socket(_) => true,
            Door::Tcp(host, _) => {
                let address: Result<std::net::IpAddr, _> = host.parse();
                host == "localhost" || address.is_ok_and(|address| address.is_loopback())
            }
        }
    }
}

/// A part of a password that was written as it is stands before what is taken for host or database.
fn demand_names(config: &Config) -> Result<(), Failure> {
    let hosts = config.get_hosts().iter().filter_map(|host| match host {
        Host::Tcp(name) => Some(name.as_str()),
        #[cfg(unix)]
        Host::Unix(_) => None,
    });
    let mut names = hosts.chain(config.get_dbname());
    match names.any(|name| name.contains(['@', '/', '?', ':']) && !is_ipv6(name)) {
        false => Ok(()),
        true => Err(Failure::usage(
            "the target's host or database has @, /, ? or : in it: in a password write %40, %2F, %3F \
             and %3A, or set PGPASSWORD",
        )),
    }
}

fn is_ipv6(name: &str) -> bool {
    name.parse::<std::net::Ipv6Addr>().is_ok()
}

/// Whether the environment demands TLS.
fn is_sealed(of: Variables<'_>) -> Result<bool, Failure> {
    let mode = of("PGSSLMODE")?;
    Ok(mode.is_some_and(|mode| mode == "require" || mode.starts_with("verify")))
}

/// What the URL leaves open.
fn complete(config: &mut Config, of: Variables<'_>) -> Result<(), Failure> {
    if config.get_user().is_none()
        && let Some(user) = of("PGUSER")?
    {
        config.user(user);
    }
    if config.get_password().is_none()
        && let Some(password) = of("PGPASSWORD")?
    {
        config.password(password);
    }
    if config.get_dbname().is_none()
        && let Some(database) = of("PGDATABASE")?
    {
        config.dbname(database);
    }
    if config.get_hosts().is_empty()
        && let Some(host) = of("PGHOST")?
    {
        config.host(host);
    }
    Ok(())
}

fn doors(config: &Config, of: Variables<'_>) -> Result<Vec<Door>, Failure> {
    let usual = match of("PGPORT")? {
        None => PORT,
        Some(port) => port.parse().map_err(|_| {
            Failure::usage(
                "PGPORT is no port up to 65535: set it anew, or write the port into the URL",
            )
        })?,
    };
    let ports = config.get_ports();
    let hosts = config.get_hosts();
    if hosts.is_empty() {
        let port = ports.first().copied().unwrap_or(usual);
        return Ok(SOCKETS.map(|dir| socket(Path::new(dir), port)).to_vec());
    }
    let doors = hosts.iter().enumerate().map(|(number, host)| {
        let port = ports.get(number).or(ports.first());
        let port = port.copied().unwrap_or(usual);
        match host {
            Host::Tcp(name) => Door::Tcp(name.clone(), port),
            #[cfg(unix)]
            Host::Unix(dir) => socket(dir, port),
        }
    });
    Ok(doors.collect())
}

fn socket(dir: &Path, port: u16) -> Door {
    Door::Socket(dir.join(format!(".s.PGSQL.{port}")))
}

fn name(config: &Config, doors: &[Door]) -> String {
    let user = config.get_user().map(|user| format!("{user}@"));
    let at = match doors.first() {
        Some(Door::Tcp(host, port)) => format!("{host}:{port}"),
        _ => String::new(),
    };
    let database = config.get_dbname().or(config.get_user()).unwrap_or("");
    format!("postgres://{}{at}/{database}", user.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(url: &str) -> Result<Place, Failure> {
        Place::read_with(url, &|_| Ok(None))
    }

    #[test]
    fn a_url_names_a_socket_or_a_port_of_this_machine() {
        let tcp = |host: &str, port| vec![Door::Tcp(host.into(), port)];
        let socket = |path: &str| vec![Door::Socket(path.into())];
        for (url, doors, name) in [
            (
                "postgres://a@127.0.0.1/b",
                tcp("127.0.0.1", 5432),
                "postgres://a@127.0.0.1:5432/b",
            ),
            (
                "postgresql://a:pw@localhost:77/b",
                tcp("localhost", 77),
                "postgres://a@localhost:77/b",
            ),
            (
                "postgres://a@[::1]:9/b",
                tcp("::1", 9),
                "postgres://a@::1:9/b",
            ),
            (
                "postgres://a@%2Fx/b",
                socket("/x/.s.PGSQL.5432"),
                "postgres://a@/b",
            ),
            (
                "postgres:///b?host=/x&port=7&user=a",
                socket("/x/.s.PGSQL.7"),
                "postgres://a@/b",
            ),
            (
                "postgres://a@10.0.0.9/b?sslmode=disable",
                tcp("10.0.0.9", 5432),
                "postgres://a@10.0.0.9:5432/b",
            ),
        ] {
            let place = read(url).unwrap_or_else(|failure| panic!("{url}: {}", failure.message));
            assert_eq!((place.doors, &*place.name), (doors, name), "{url}");
        }
        let place = read("postgres:///b").expect("a socket");
        assert_eq!(place.doors.len(), SOCKETS.len());
    }

    /// What stands behind the first @ or / of a password was taken for host or database, and said.
    #[test]
    fn a_password_that_is_not_escaped_is_refused_and_no_part_of_it_is_said() {
        for url in [
            "postgres://a:pw@/hunter2@localhost:7/b",
            "postgres://a:pw@hunter2@127.0.0.1:7/b?sslmode=disable",
            "postgres://a@localhost:7/hunter2@b",
        ] {
            let refused = read(url).map(|place| place.name).expect_err(url);
            assert_eq!(refused.exit_code, 2, "{url}");
            assert!(!refused.message.contains("hunter2"), "{}", refused.message);
        }
        let escaped = read("postgres://a:pw%40%2Fhunter2@localhost:7/b").expect("a place");
        assert_eq!(escaped.name, "postgres://a@localhost:7/b");
        let short = read("postgres://a:l@localhost/b").expect("a place");
        let said = short.without_password("authentication failed for user \"lockstep\"");
        assert!(said.starts_with("(its words"), "{said}");
    }

    #[test]
    fn what_the_url_leaves_open_is_asked_of_the_environment() {
        let of = |name: &str| {
            let value = match name {
                "PGHOST" => "/y",
                "PGPORT" => "8",
                "PGUSER" => "u",
                "PGPASSWORD" => "hunter2",
                "PGDATABASE" => "d",
                _ => return Ok(None),
            };
            Ok(Some(value.to_owned()))
        };
        let place = Place::read_with("postgres://", &of).expect("a place");
        assert_eq!(place.doors, [Door::Socket("/y/.s.PGSQL.8".into())]);
        assert_eq!(place.name, "postgres://u@/d");
        assert_eq!(place.without_password("is it hunter2?"), "is it …?");
        let place = Place::read_with("postgres://a:b@127.0.0.1:1/c", &of).expect("a place");
        assert_eq!(place.name, "postgres://a@127.0.0.1:1/c");
        let sealed = |name: &str| Ok((name == "PGSSLMODE").then(|| "require".to_owned()));
        assert!(Place::read_with("postgres://", &sealed).is_err());
    }

    #[test]
    fn what_is_refused_is_said_without_its_secrets() {
        for (url, why) in [
            ("postgres://a:hunter2@h/b?sslmode=require", "no TLS"),
            ("postgres://a:hunter2@h/b?sslmode=verify-full", "no TLS"),
            ("postgres://a:hunter2@db.example.org/b", "another machine"),
            ("postgres://a:hunter2@h:port/b", "no URL"),
            ("postgres://a:hunter2@h/b?hunter2=1", "no URL"),
            ("postgres://a:hunter2@h:99999/b", "no URL"),
        ] {
            let Err(failure) = read(url) else {
                panic!("{url} is taken");
            };
            assert_eq!(failure.exit_code, 2);
            assert!(failure.message.contains(why), "{url}: {}", failure.message);
            assert!(!failure.message.contains("hunter2"), "{}", failure.message);
        }
    }
}
