//! The corpus in `fuzz/corpus`, for the tests that replay it with the stable compiler.

/// Hands every file of a target's corpus to its function.
///
/// # Panics
/// Where there is no corpus to replay.
pub fn replay(target: &str, run: fn(&[u8])) {
    let folder = format!("{}/../../fuzz/corpus/{target}", env!("CARGO_MANIFEST_DIR"));
    let mut files: Vec<_> = std::fs::read_dir(&folder)
        .expect("the corpus is in the repository")
        .map(|entry| entry.expect("a readable folder").path())
        .collect();
    files.sort();
    assert!(files.len() >= 5, "{folder} holds next to nothing");
    for file in files {
        eprintln!("{}", file.display());
        run(&std::fs::read(&file).expect("a readable file"));
    }
}
