//! Whatever happens, in any order.

use proptest::prelude::*;

use super::*;

/// What may happen.
#[derive(Clone, Copy, Debug)]
enum Happens {
    Set(u8),
    Seen,
    Crash,
    Host(Outcome),
    Time(u64),
}

fn happens() -> impl Strategy<Value = Happens> {
    prop_oneof![
        (0..4_u8).prop_map(Happens::Set),
        Just(Happens::Seen),
        Just(Happens::Crash),
        prop_oneof![Just(Outcome::Done), Just(Outcome::Failed), Just(Outcome::Impossible)].prop_map(Happens::Host),
        (0..150_u64).prop_map(Happens::Time),
    ]
}

proptest! {
    #[test]
    fn whatever_happens_what_is_left_alone_in_the_end_is_what_was_last_confirmed(
        story in prop::collection::vec(happens(), 0..30),
    ) {
        let mut rig = Rig::fresh();
        let mut confirmed = rig.shown();
        for happens in story {
            match happens {
                Happens::Set(0) => rig.set(at("")),
                Happens::Set(n) => rig.set(at(&format!("10.0.0.{n}"))),
                Happens::Seen => if rig.confirm.seen(rig.now) {
                    prop_assert_eq!(rig.told(), rig.shown().replace("dhcp", &rig.told()));
                    confirmed = rig.shown();
                    // What is confirmed is on the disk before anything else happens.
                    rig.run(S(0));
                },
                Happens::Crash => rig = rig.crash(),
                Happens::Host(outcome) => rig.outcome = outcome,
                Happens::Time(seconds) => rig.run(S(seconds)),
            }
        }
        rig.outcome = Outcome::Done;
        rig.run(S(1000));
        prop_assert_eq!(rig.shown(), confirmed.clone());
        prop_assert_eq!(rig.told().replace("own", "dhcp"), confirmed);
        prop_assert_eq!(rig.confirm.next(rig.now), Next::Wait(None));
    }
}
