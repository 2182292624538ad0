//! All methods: one table for each prefix, and the document that is made of them.
use super::method::{Method, methods};
use super::{eth, lockstep, net, open_rpc, subscribe, transactions};
use std::sync::OnceLock;

/// All methods, by prefix.
pub(super) fn all() -> impl Iterator<Item = &'static Method> {
    let tables = [
        lockstep::METHODS,
        transactions::METHODS,
        subscribe::METHODS,
        eth::METHODS,
        net::METHODS,
        METHODS,
    ];
    tables.into_iter().flatten()
}

/// The method that answers what all others are.
pub(super) const DOCUMENT: &str = "rpc.discover";

/// Its answer, which is made once.
pub(super) fn document() -> &'static str {
    static TEXT: OnceLock<String> = OnceLock::new();
    TEXT.get_or_init(|| open_rpc::document(all()).to_string())
}

methods! {
    /// This document.
    "rpc.discover"() -> Object => |_, _| open_rpc::document(all());
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn each_method_has_one_line_and_needed_parameters_come_first() {
        let mut names = BTreeSet::new();
        for method in all() {
            assert!(names.insert(method.name), "{} stands twice", method.name);
            assert!(method.summary.ends_with('.'), "{}", method.name);
            let needed: Vec<bool> = method.params.iter().map(|param| param.required).collect();
            assert!(needed.is_sorted_by(|a, b| a >= b), "{}", method.name);
        }
    }
}
