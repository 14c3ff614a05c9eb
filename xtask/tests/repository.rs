//! The repository is in shape: generated documents are current, fixtures match their sources, rules hold.

use pvm_xtask::{fixtures, isa_doc, tidy};

#[test]
fn isa_document_is_current() {
    let found = std::fs::read_to_string(isa_doc::path()).unwrap_or_default();
    assert!(found == isa_doc::text(), "docs/isa.md is not what the table says; run `cargo bless`");
}

#[test]
fn fixtures_match_their_sources() {
    assert_eq!(fixtures::problems().unwrap(), Vec::<String>::new());
}

#[test]
fn tidy_finds_nothing() {
    assert_eq!(tidy::problems(), Vec::<String>::new());
}
