//! What to do instead of calling what Ethereum's tools call and no node of this kind has.

const SIGN: &str = "this node holds nobody's key and signs nothing, and an Ethereum key signs nothing \
                    that this chain takes: sign with the sender's own ML-DSA key, as lockstep tx \
                    does, and hand the bytes in by lockstep_sendTransaction";
const NO_MACHINE: &str = "there is no machine here and no contract, so there is nothing to trace or to \
                          simulate; lockstep_getTransaction tells what became of a transaction";
const OPERATOR: &str = "a node is operated by its own command line, not by calls: lockstep --help";

/// Names, or beginnings of names that end with an underscore; the first that fits counts.
const INSTEAD: &[(&str, &str)] = &[
    ("eth_sendTransaction", SIGN),
    ("eth_signTransaction", SIGN),
    ("eth_sign", SIGN),
    ("eth_signTypedData", SIGN),
    ("eth_signTypedData_v4", SIGN),
    ("eth_fillTransaction", SIGN),
    ("personal_", SIGN),
    ("wallet_", SIGN),
    ("eth_createAccessList", NO_MACHINE),
    ("eth_simulateV1", NO_MACHINE),
    ("debug_", NO_MACHINE),
    ("trace_", NO_MACHINE),
    ("admin_", OPERATOR),
    ("engine_", OPERATOR),
    ("miner_", OPERATOR),
    (
        "eth_getProof",
        "its proofs are of Ethereum's tree; lockstep_getAccount and lockstep_getRecord prove with \
         prove: true",
    ),
    (
        "eth_newPendingTransactionFilter",
        "lockstep_pendingTransactions and txpool_content list what waits for a block",
    ),
];

/// The end of a refusal of a method that does not exist.
pub(super) fn instead(method: &str) -> &'static str {
    let fits = |name: &str| match name.ends_with('_') {
        true => method.starts_with(name),
        false => method == name,
    };
    let found = INSTEAD.iter().find(|(name, _)| fits(name));
    found.map_or("rpc.discover lists those that do", |(_, instead)| instead)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rpc_gateway::json_rpc::methods;

    #[test]
    fn no_method_that_exists_is_said_to_be_replaced_by_another() {
        for method in methods::all() {
            assert_eq!(
                instead(method.name),
                instead("eth_nothing"),
                "{}",
                method.name
            );
        }
    }

    #[test]
    fn a_prefix_stands_for_all_its_methods_and_a_name_for_itself() {
        assert_eq!(instead("debug_traceTransaction"), NO_MACHINE);
        assert_eq!(instead("eth_signTransaction"), SIGN);
        assert_eq!(instead("eth_signet"), instead("nothing"));
    }
}
