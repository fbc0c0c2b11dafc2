"""The text of MEASURES.md."""

from collections.abc import Mapping

from ops.measures_page.turned_heads import OPENFACE2_HEAD, TURNS, phantom_changes
from tasks.outputs.measures.movements import DEVIATIONS, LEAST
from tasks.outputs.measures.rest import MOSTLY, NEAREST, SECONDS
from tasks.outputs.measures.ruler import IRIS_MM, STEADY_SECONDS
from workers.face.head_pose import TURNED_YAW
from workers.measures.irises import ALWAYS_CLOSED, HALF_CLOSED, PERHAPS_SHUT

DRAWING = "measures_page/measures.svg"

EMOTRICS = "Emotrics"
OURS = "ours"

DEFINED: tuple[tuple[str, str, str, str], ...] = (
    (
        "1",
        "`commissure_excursion`",
        "from where the outer curve of the lower lip crosses y to the corner of the mouth "
        "(commissure)",
        EMOTRICS,
    ),
    (
        "2",
        "`smile_angle`",
        "of that line: 90° where the commissure is level with that point, more where it is higher",
        EMOTRICS,
    ),
    (
        "3",
        "`marginal_reflex_distance_1`",
        "iris centre to the upper lid, along y; negative where the lid has passed it",
        EMOTRICS,
    ),
    ("4", "`marginal_reflex_distance_2`", "iris centre to the lower lid, along y", EMOTRICS),
    (
        "5",
        "`palpebral_fissure_height`",
        "from lid to lid along y, halfway between the eye's corners (drawn beside it)",
        EMOTRICS,
    ),
    (
        "6",
        "`brow_height`",
        "iris centre to the brow's curve above it, along y (drawn beside it)",
        EMOTRICS,
    ),
    (
        "7",
        "`dental_show`",
        "between the inner curves of the lips, along y, below the point of the upper lip that is "
        "half as far from the commissure as the commissure is from y; 0 where the lips touch",
        EMOTRICS,
    ),
    ("8", "`mouth_area`", "of the opening between the inner curves, on one side of y", OURS),
    (
        "9",
        "`alar_base_drop`",
        "the wing of the nose below x; `nasolabial_excursion` is how much less than at rest",
        OURS,
    ),
    (
        "5",
        "`eye_closure`",
        "1 minus the fissure over the same eye's fissure at rest: 0 at rest, 1 shut, below 0 wide "
        "open",
        OURS,
    ),
    ("10", "`commissure_height_deviation`", "left minus right commissure, along y", EMOTRICS),
    (
        "10",
        "`oral_angle`",
        "of the line through the commissures to x, positive where the left one is higher",
        OURS,
    ),
    (
        "7",
        "`upper_lip_height_deviation`, `lower_lip_height_deviation`",
        "left minus right, along y, of the upper lip's point of `dental_show` and of the lower "
        "lip's outer curve below it",
        EMOTRICS,
    ),
    ("11", "`philtrum_deviation`", "the middle of the upper lip off y, positive to the left", OURS),
    ("12", "`chin_deviation`", "the chin off y, positive to the left", OURS),
)
"""Number in the drawing, column, definition, source."""


def page() -> str:
    """The whole page."""
    return "\n\n".join([_measured(), _scale(), _rest(), _movements(), _distorted()]) + "\n"


def _measured() -> str:
    rows = "\n".join(f"| {' | '.join(row)} |" for row in DEFINED)
    return f"""# The clinical measures

Written by `python -m ops.measures_page`; do not edit.

`NAME_measures.csv` has the measures of facial-palsy clinics for every frame, of both sides, of
the face as filmed. Left and right are the patient's. Those of {EMOTRICS} are defined as it
defines them (Guarin, Dusseldorp, Hadlock, Jowett, "A machine learning approach for automated
facial measurements in facial palsy", JAMA Facial Plastic Surgery 2018), without its slips; the
others are ours.

![The measures on a drawn face; the patient's left is on the right]({DRAWING})

The face has its own axes: x runs through the centres of the irises to the patient's left, y
across it through their middle, upwards. So a head that is rolled measures as an upright one. It
is the *irises'* middle: eyes that look aside take y along.

| | column | what it is | source |
| --- | --- | --- | --- |
{rows}

Each measure of a side has three columns, `left_NAME_UNIT`, `right_NAME_UNIT` and
`NAME_difference_UNIT` (left minus right). Units are `mm`, `mm2`, `deg` and `share`. A cell that
cannot be told is empty, and `empty_because` says why. Points outside the picture are guesses of
the landmark model and measure nothing.

Curves are cubic splines through the landmarks, whose first and last pieces are parabolas: lids
and brows as functions of x; lips by their length, since they may run down beside the corners, in
which a step up or down counts half.
Between five points of a lip lies what the spline makes of them: where the mouth is open,
{EMOTRICS}' smoothing splines show up to 0.5 mm more or less dental show from the same
points."""


def _scale() -> str:
    return f"""## Millimetres

An adult's iris measures {IRIS_MM} mm across, whoever it is; single persons' differ by some 4 %,
and their millimetres with them. Ratios of sides do not hang on it. The landmarks of `clnf68`
have eight points around each iris: not the rings of OpenFace 2's eye model, which are up to a
quarter too large, but the circle near them that the picture brightens across most (Daugman's
operator, 1993), along the arcs that lids leave free. On drawn eyes it is 1 to 5 % too small. A
recording has **one** ruler of them: the irises' diameter beside the size of the face, the median
over all frames in which an eye is open and the head is turned by less than {TURNED_YAW:.0f}°.
Closing an eye does not change it. The face's size in a frame comes from nose bridge and eye
corners, as the median over {STEADY_SECONDS:g} s before and after it, so that a head that comes
nearer does not grow. `run.json` has the ruler's spread.

Where no iris was seen, lengths are in distances between the inner corners of the eyes (inner
canthi), and the columns end in `_icd` (areas `_icd2`). So it always is with `pfld68`, which has
no irises (the eyes' middles stand in for their centres, marked as inferred), and with `star98`,
which has pupils only.

An eye that is open by less than {ALWAYS_CLOSED:g} of its width, or than {HALF_CLOSED:g} of what
it usually is, shows too little of its iris. Its centre is taken from the eye's corners then, as
it lies in the open frames of the recording, and `left_iris_inferred` or `right_iris_inferred`
is 1. Reflex distances and brow height of that side hang on it directly, everything else through
the axes.

**Shut eyes.** OpenFace 2's tracker leaves the lids of a shut eye 0.6 to 0.75 of their usual
distance apart. But its eye model knows what an iris looks like: where it sees none, and the lids
are nearer than {PERHAPS_SHUT:g} of what they usually are, the eye is shut, and its upper lid is
put on the lower one: the fissure is 0. `left_eye_shut` or `right_eye_shut` is 1. An eye that only
looks away, or is hidden by glare, keeps its lids."""


def _rest() -> str:
    return f"""## At rest

Of the {"third" if NEAREST == 1 / 3 else NEAREST} of all seconds in which the face is nearest to
its usual posture (the median of excursion, dental show, fissure, brow and nose over the
recording), the one in which it varies least; {MOSTLY:.0%} of its frames have to be measured
while the head looks ahead. It is {SECONDS:g} s long. Somebody who smiles most of the time is at
rest when smiling, by this rule: `--rest START-END` (seconds) says it better. `run.json` has the
frames, the median of each measure there and its standard deviation, which is its noise."""


def _movements() -> str:
    least = LEAST["mm"]
    return f"""## Movements

`NAME_movements.csv` has a row for each rise of a measure: while the running median over three
frames is more than {DEVIATIONS:.0f} standard deviations of the noise above rest on either side,
and by {least["length"]} mm, {least["area"]:.0f} mm², {least["angle"]}° or {least["share"]} at
least. *Onset* is where a side leaves the noise, or a tenth of its way if that is more;
*excursion* is the peak above rest; *speed* the average from the onset to nine tenths of the way;
`left_later_by_s` compares when both were halfway. `ratio` is the weaker side's excursion over the
stronger one's, and is there only where the stronger one left its noise."""


def _distorted() -> str:
    return f"""## What distorts them

A head that is turned is seen foreshortened. `yaw_deg` and `pitch_deg` stand beside the
measures, which are never corrected. How much a face at rest seems to change, in per cent,
angles in degrees, with the side to which the head turns first and the other one second:

**The phantom's head**

{_changes_table(phantom_changes())}

**OpenFace 2's mean head**, made symmetric, the middle of the lids for the irises

{_changes_table(OPENFACE2_HEAD)}

Turned by less than {TURNED_YAW:.0f}°, lengths err by up to some 3 %, those of a mouth that is
hardly open by more; a nod of 10° is worse for what lies along y. Compare frames with the same
pitch. What else there is:

- **Lids.** Between half open and shut, OpenFace 2's tracker sees lids too far apart, so
  `eye_closure` grows slowly and then leaps to 1, with `clnf68`.
- **Irises.** `run.json` says how far apart the pupils are by the ruler (`pupils_apart`; adults'
  are 50 to 75 mm) and warns: if irises are not seen at their true size, all millimetres are wrong
  by the same factor. Ratios, angles and shares do not hang on it.
- **Gaze.** Eyes that look aside move the axes and change reflex distances and brow height.
- **Dental show and mouth area** hang on few points, five on each inner lip."""


def _changes_table(told: Mapping[str, Mapping[str, tuple[float, float]]]) -> str:
    head = f"| | {' | '.join(TURNS)} |\n| --- |{' --- |' * len(TURNS)}"
    rows = [
        f"| `{name}` | {' | '.join(_pair(*changes[turn]) for turn in TURNS)} |"
        for name, changes in told.items()
    ]
    return "\n".join([head, *rows])


def _pair(left: float, right: float) -> str:
    return f"{left:+.1f}" if left == right else f"{left:+.1f}, {right:+.1f}"
