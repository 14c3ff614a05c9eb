//! The functions of the system interface, each with the result that `abi` says: in a guest calls of the host, on the host what
//! `std` has for them.

#[cfg(target_os = "none")]
mod guest;
#[cfg(target_os = "none")]
pub(crate) use guest::*;
#[cfg(not(target_os = "none"))]
mod native;
#[cfg(not(target_os = "none"))]
pub(crate) use native::*;

#[cfg(test)]
mod tests {
    use crate::abi::Function;
    use std::collections::BTreeSet;

    /// `name(argument: type, ...)`, with a pointer for a `usize` that is an address.
    fn signature(function: Function) -> String {
        let arguments: Vec<String> =
            function.arguments().iter().map(|argument| argument.replace("usize", "")).collect();
        format!("{}({})", function.symbol(), arguments.join(", "))
    }

    #[test]
    fn imports_are_those_of_the_hosts_table() {
        let declared: BTreeSet<String> = include_str!("guest.rs")
            .lines()
            .filter_map(|line| line.split_once("fn pvm_v1_").map(|(_, rest)| rest))
            .map(|line| {
                let line = line.strip_suffix(';').unwrap();
                let line = line.strip_suffix(" -> i64").or(line.strip_suffix(" -> ()")).unwrap_or(line);
                let line = line.replace("from_length", "from length").replace("to_length", "to length");
                let types = ["*const u8", "*mut u8", "*const u32", "*const [i16; 2]", "usize"];
                format!("pvm_v1_{}", types.iter().fold(line, |line, name| line.replace(name, "")))
            })
            .collect();
        let wanted: BTreeSet<String> = Function::ALL.iter().map(|function| signature(*function)).collect();
        assert_eq!(declared, wanted);
    }
}
