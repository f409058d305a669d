use super::*;

/// PROFILE 5.4, written out: number; then on a line, built in, without a head; then the same with `onestep=1`.
/// `-`: not supported. A number that is not here is illegal.
const DOCUMENT: &str = "
    0   up          up             -           step-up step-up -
    1   stop        stop           -           stop stop -
    2   down        down           -           step-down step-down -
    3   stop        stop           -           stop stop -
    4   left        left           -           step-left step-left -
    5   stop        stop           -           stop stop -
    6   right       right          -           step-right step-right -
    7   stop        stop           -           stop stop -
    8   iris-close  -              -           illegal illegal illegal
    9   lens-stop   -              -           illegal illegal illegal
    10  iris-open   -              -           illegal illegal illegal
    11  lens-stop   -              -           illegal illegal illegal
    12  focus-near  -              -           illegal illegal illegal
    13  lens-stop   -              -           illegal illegal illegal
    14  focus-far   -              -           illegal illegal illegal
    15  lens-stop   -              -           illegal illegal illegal
    16  zoom-wide   zoom-wide      -           illegal illegal illegal
    17  lens-stop   lens-stop      -           illegal illegal illegal
    18  zoom-tele   zoom-tele      -           illegal illegal illegal
    19  lens-stop   lens-stop      -           illegal illegal illegal
    20  scan-on     horizontal-on  -           illegal illegal illegal
    21  scan-off    horizontal-off -           illegal illegal illegal
    22  aux1-on     -              -           illegal illegal illegal
    23  aux1-off    -              -           illegal illegal illegal
    24  aux2-on     -              -           illegal illegal illegal
    25  aux2-off    centre         -           illegal illegal illegal
    26  aux3-on     vertical-on    -           illegal illegal illegal
    27  aux3-off    vertical-off   -           illegal illegal illegal
    28  aux4-on     horizontal-on  -           illegal illegal illegal
    29  aux4-off    horizontal-off -           illegal illegal illegal
    30  set-1       set-1          -           illegal illegal illegal
    31  go-1        go-1           -           illegal illegal illegal
    32  set-2       set-2          -           illegal illegal illegal
    33  go-2        go-2           -           illegal illegal illegal
    34  set-3       set-3          -           illegal illegal illegal
    35  go-3        go-3           -           illegal illegal illegal
    36  set-4       set-4          -           illegal illegal illegal
    37  go-4        go-4           -           illegal illegal illegal
    38  set-5       set-5          -           illegal illegal illegal
    39  go-5        go-5           -           illegal illegal illegal
    40  set-6       set-6          -           illegal illegal illegal
    41  go-6        go-6           -           illegal illegal illegal
    42  set-7       set-7          -           illegal illegal illegal
    43  go-7        go-7           -           illegal illegal illegal
    44  set-8       set-8          -           illegal illegal illegal
    45  go-8        go-8           -           illegal illegal illegal
    46  set-9       set-9          -           illegal illegal illegal
    47  go-9        go-9           -           illegal illegal illegal
    48  set-10      set-10         -           illegal illegal illegal
    49  go-10       go-10          -           illegal illegal illegal
    50  set-11      set-11         -           illegal illegal illegal
    51  go-11       go-11          -           illegal illegal illegal
    52  set-12      set-12         -           illegal illegal illegal
    53  go-12       go-12          -           illegal illegal illegal
    54  set-13      set-13         -           illegal illegal illegal
    55  go-13       go-13          -           illegal illegal illegal
    56  set-14      set-14         -           illegal illegal illegal
    57  go-14       go-14          -           illegal illegal illegal
    58  set-15      set-15         -           illegal illegal illegal
    59  go-15       go-15          -           illegal illegal illegal
    60  set-16      set-16         -           illegal illegal illegal
    61  go-16       go-16          -           illegal illegal illegal
    62  set-17      set-17         -           illegal illegal illegal
    63  go-17       go-17          -           illegal illegal illegal
    64  set-18      set-18         -           illegal illegal illegal
    65  go-18       go-18          -           illegal illegal illegal
    66  set-19      set-19         -           illegal illegal illegal
    67  go-19       go-19          -           illegal illegal illegal
    68  set-20      set-20         -           illegal illegal illegal
    69  go-20       go-20          -           illegal illegal illegal
    70  set-21      set-21         -           illegal illegal illegal
    71  go-21       go-21          -           illegal illegal illegal
    72  set-22      set-22         -           illegal illegal illegal
    73  go-22       go-22          -           illegal illegal illegal
    74  set-23      set-23         -           illegal illegal illegal
    75  go-23       go-23          -           illegal illegal illegal
    76  set-24      set-24         -           illegal illegal illegal
    77  go-24       go-24          -           illegal illegal illegal
    78  set-25      set-25         -           illegal illegal illegal
    79  go-25       go-25          -           illegal illegal illegal
    80  set-26      set-26         -           illegal illegal illegal
    81  go-26       go-26          -           illegal illegal illegal
    82  set-27      set-27         -           illegal illegal illegal
    83  go-27       go-27          -           illegal illegal illegal
    84  set-28      set-28         -           illegal illegal illegal
    85  go-28       go-28          -           illegal illegal illegal
    86  set-29      set-29         -           illegal illegal illegal
    87  go-29       go-29          -           illegal illegal illegal
    88  set-30      set-30         -           illegal illegal illegal
    89  go-30       go-30          -           illegal illegal illegal
    90  set-31      up-left        -           illegal illegal illegal
    91  go-31       up-right       -           illegal illegal illegal
    92  set-32      down-left      -           illegal illegal illegal
    93  go-32       down-right     -           illegal illegal illegal
    94  output-high output-high    output-high illegal illegal illegal
    95  output-low  output-low     output-low  illegal illegal illegal
    255 -           test           -           illegal illegal illegal
";

/// The words of the table above.
fn word(order: Result<Order, Failure>) -> String {
    let switch = |on| if on { "on" } else { "off" };
    let way = |way: Way| way.to_string().replace(" and ", "-");
    let order = match order {
        Ok(order) => order,
        Err(Failure::NotSupported) => return "-".into(),
        Err(Failure::IllegalParam) => return "illegal".into(),
        Err(other) => panic!("{other}"),
    };
    match order {
        Order::Move(to) => way(to),
        Order::Step(to, _) => format!("step-{}", way(to)),
        Order::Stop => "stop".into(),
        Order::Lens(lens) => match lens {
            Lens::IrisClose => "iris-close",
            Lens::IrisOpen => "iris-open",
            Lens::FocusNear => "focus-near",
            Lens::FocusFar => "focus-far",
            Lens::ZoomWide => "zoom-wide",
            Lens::ZoomTele => "zoom-tele",
        }
        .into(),
        Order::LensStop => "lens-stop".into(),
        Order::Scan(on) => format!("scan-{}", switch(on)),
        Order::Aux(number, on) => format!("aux{}-{}", number.get(), switch(on)),
        Order::Patrol(Axis::Horizontal, on) => format!("horizontal-{}", switch(on)),
        Order::Patrol(Axis::Vertical, on) => format!("vertical-{}", switch(on)),
        Order::Centre => "centre".into(),
        Order::SetPreset(preset) => format!("set-{}", preset.get()),
        Order::GoTo(preset) => format!("go-{}", preset.get()),
        Order::ClearPreset(preset) => format!("clear-{}", preset.get()),
        Order::Output(level) => format!("output-{}", level.word()),
        Order::Test => "test".into(),
    }
}

const COLUMNS: [Column; 3] = [Column::Line, Column::BuiltIn, Column::None];

fn query(text: &str) -> Query {
    Query::parse(text.as_bytes()).unwrap()
}

#[test]
fn q65_each_of_256_numbers_is_what_the_document_says_in_each_column_step_or_not() {
    let mut rows = std::collections::HashMap::new();
    for row in DOCUMENT.lines().filter(|row| !row.is_empty()) {
        let mut words = row.split_whitespace();
        let number: u32 = words.next().unwrap().parse().unwrap();
        let words: Vec<_> = words.collect();
        assert_eq!(words.len(), 6, "{row}");
        assert_eq!(rows.insert(number, words), None, "{number} twice");
    }
    assert_eq!(rows.len(), 97);
    for number in 0..256 {
        let illegal = vec!["illegal"; 6];
        let row = rows.get(&number).unwrap_or(&illegal);
        let real = [false, true].iter().flat_map(|step| COLUMNS.map(|column| word(order(number, *step, None, column))));
        assert_eq!(real.collect::<Vec<_>>(), *row, "{number}");
    }
    for number in [256, 1 << 16, u32::MAX] {
        assert_eq!(order(number, false, None, Column::Line), Err(Failure::IllegalParam), "{number}");
    }
}

#[test]
fn q65_degrees_count_with_a_step_alone() {
    let asked = |text| asked(&query(text), Column::BuiltIn);
    let step = |degrees: Option<i32>| Ok(Order::Step(Way::Left, degrees.map(|degrees| Int::within(degrees).unwrap())));
    for (text, order) in [
        ("command=4", Ok(Order::Move(Way::Left))),
        ("command=4&onestep=0&degree=x", Ok(Order::Move(Way::Left))),
        ("command=4&degree=30", Ok(Order::Move(Way::Left))),
        ("command=4&onestep=1", step(None)),
        ("command=4&onestep=1&degree=", step(None)),
        ("command=4&onestep=1&degree=1", step(Some(1))),
        ("command=4&onestep=1&degree=90", step(Some(90))),
        ("command=4&onestep=&user=x", Ok(Order::Move(Way::Left))),
        ("command=1&onestep=1", Ok(Order::Stop)),
    ] {
        assert_eq!(asked(text), order, "{text}");
    }
    for text in [
        "",
        "command=",
        "command=x",
        "command=-1",
        "command=4294967296",
        "command=4&onestep=2",
        "command=4&onestep=x",
        "command=4&onestep=1&degree=0",
        "command=4&onestep=1&degree=91",
        "command=4&onestep=1&degree=x",
        "command=31&onestep=1",
    ] {
        assert_eq!(asked(text), Err(Failure::IllegalParam), "{text}");
    }
}

#[test]
fn what_sets_a_preset_or_switches_something_stores_and_what_moves_does_not() {
    let stores = |number, column| order(number, false, None, column).is_ok_and(Order::stores);
    let all = |column| (0..256).filter(|number| stores(*number, column)).collect::<Vec<_>>();
    let sets = |last| (30..=last).step_by(2);
    assert_eq!(all(Column::Line), (22..=29).chain(sets(92)).chain([94, 95]).collect::<Vec<_>>());
    assert_eq!(all(Column::BuiltIn), sets(88).chain([94, 95]).collect::<Vec<_>>());
    assert_eq!(all(Column::None), [94, 95]);
}
