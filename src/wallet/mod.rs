//! The keys of accounts, as their owner has them: one encrypted file each, in one directory, opened
//! by a password. Validators' keys are not here: a node must read its own without anybody there
//! (`config/key.rs`).
mod devnet;
mod keyring;
mod password;
mod sealed;

pub(crate) use devnet::{DEVNET_NAMES, account, is_devnet_name};
pub(crate) use keyring::{Keyring, read, unopened, write_sealed};
pub(crate) use password::Password;
pub(crate) use sealed::SealedKey;
