//! The repository is in shape: generated documents are current, fixtures match their sources, rules hold.

use pvm_xtask::{DOCUMENTS, fixtures, root, tidy};

#[test]
fn generated_documents_are_current() {
    for (path, text) in DOCUMENTS {
        let found = std::fs::read_to_string(root().join(path)).unwrap_or_default();
        assert!(found == text(), "{path} is not what its table says; run `cargo bless`");
    }
}

#[test]
fn fixtures_match_their_sources() {
    assert_eq!(fixtures::problems().unwrap(), Vec::<String>::new());
}

#[test]
fn tidy_finds_nothing() {
    assert_eq!(tidy::problems(), Vec::<String>::new());
}
