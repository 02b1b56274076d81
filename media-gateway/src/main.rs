use std::process::ExitCode;

fn main() -> ExitCode {
    ponte_gateway::cli::main()
}
