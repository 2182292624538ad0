//! A disk that rots under a running node: it ends with a reason, and gives no wrong answer.
use lockstep_devnet::Devnet;
use lockstep_protocol::codec;
use std::fs::OpenOptions;
use std::os::unix::fs::FileExt;
use support::{PATIENCE, eventually, get};

#[test]
fn a_node_that_meets_rot_in_an_old_block_ends_with_code_3_and_names_file_and_height() {
    let devnet = Devnet::builder().manual(true).boot().expect("it boots");
    for _ in 0..3 {
        devnet.tick().expect("a block comes");
    }
    devnet.wait_for(3, PATIENCE).expect("all have it");
    let block = devnet.block(1, 2).expect("it reads").expect("it is there");
    let bytes = codec::encode(block.block.block());
    let file = devnet.data_dirs()[1].join("data.mdb");
    let whole = std::fs::read(&file).expect("it is there");
    let at = whole.windows(bytes.len()).position(|part| part == bytes);
    let at = at.expect("the record stands in one piece") + bytes.len() / 2;
    let disk = OpenOptions::new().write(true).open(&file).expect("a file");
    disk.write_at(&[whole[at] ^ 4], at as u64)
        .expect("a bit flips");

    assert_eq!(get(&devnet.urls()[1], "/blocks/1").status, 200);
    // The node may end before its answer gets out.
    if let Ok(answer) = support::try_get(&devnet.urls()[1], "/blocks/2") {
        assert_eq!(answer.status, 500);
    }
    eventually("node 1 ends", || (devnet.ended() == [1]).then_some(()));
    let reason = devnet.kill(1).expect("it was there");
    assert_eq!(reason.exit_code(), 3, "{reason}");
    let line = reason.to_string();
    for part in [file.to_str().expect("text"), "height 2", "restore it"] {
        assert!(line.contains(part), "{line}");
    }
    devnet.tick().expect("three are enough");
}
