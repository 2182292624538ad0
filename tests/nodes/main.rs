//! Whole nodes over real HTTP: in one process as a devnet, and each as a process of its own. Tests
//! run beside each other here; those that measure, or fill the machine, are in `tests/alone`.

mod bad_input;
mod before_it_binds;
mod bench_transactions;
mod cli;
mod cli_simulate;
mod cli_testnet;
mod cli_validators;
mod clients;
mod compact;
mod controls;
mod edges;
mod eighty_columns;
mod ended;
#[cfg(target_os = "linux")]
mod ends;
mod evidence_whole_nodes;
mod handed_over_key;
mod hostile_connections;
mod hostile_proposals;
mod hostile_votes;
mod http;
mod http_refusals;
mod kept_log;
mod kill;
mod light;
mod links;
mod local_users;
mod lockstep;
mod lost_answers;
mod malformed;
mod mempool;
mod named_files;
mod next_steps;
mod node_crash;
mod node_halt;
mod node_old_disk;
mod node_old_keys;
mod node_run;
mod observe;
mod overload;
mod panics;
mod partition;
mod pull;
mod refused;
mod reload;
mod rot;
mod rpc;
mod rpc_fates;
mod rpc_published;
mod rpc_random;
mod rpc_reads;
#[cfg(target_os = "linux")]
mod service;
mod snapshot;
mod subscriptions;
mod sync;
mod terminal;
mod ticks;
mod timeline;
mod told_in_the_log;
#[cfg(target_os = "linux")]
mod top;
mod validator_changes;
mod validators;
mod wallet;
