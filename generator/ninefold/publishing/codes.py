"""Every code that a finding can have: what it means, why it matters, what to do.

NF1xx are read from learning curves, NF2xx are found by `ninefold check`. A code keeps its meaning.
"""

from dataclasses import dataclass

from ninefold.errors import NinefoldError


@dataclass(frozen=True)
class Code:
    code: str
    title: str
    why: str
    todo: str


def explain_code(code: str) -> Code:
    """Return what a code means. Raises NinefoldError for one that does not exist."""
    found = CODES.get(code.strip().upper())
    if found is None:
        raise NinefoldError(f"No code {code}; `ninefold explain` lists all")
    return found


_TABLE = (
    Code(
        "NF100", "nothing can be told from the curves",
        "The folds disagree, or the curves end too early, for any of the signatures to hold.",
        "Give it more folds, more epochs or more validation rows, and look again.",
    ),
    Code(
        "NF101", "underfit: flat",
        "The training loss stays near that of a constant: the network does not learn the training "
        "rows, so nothing it says about new rows can be trusted.",
        "See whether it can memorise 32 rows; then the learning rate, scaling of inputs and "
        "target, initial weights, a larger network.",
    ),
    Code(
        "NF102", "underfit: unfinished",
        "Both losses still fall when training ends: the score is that of a model half trained.",
        "Train for more epochs with early stopping, or raise the learning rate.",
    ),
    Code(
        "NF103", "overfit",
        "The validation loss rises after its minimum while the training loss falls: the network "
        "memorises. Where the deciding metric does not fall too, only its confidence is wrong.",
        "Stop early, penalise weights, add dropout or noise, or make the network smaller.",
    ),
    Code(
        "NF104", "good fit",
        "Both losses are level and close together, and below that of a constant.",
        "Nothing is wrong here: spend the effort on averaging, on data, or stop.",
    ),
    Code(
        "NF105", "a persistent gap between training and validation",
        "Both losses are level with a gap between them: the training rows do not represent the "
        "others, or they were memorised. The curves alone cannot tell which.",
        "See whether more rows narrow the gap; penalties and dropout if they cannot be had.",
    ),
    Code(
        "NF106", "validation rows too few: noisy",
        "The validation loss jumps from epoch to epoch or from fold to fold, so what is chosen by "
        "it is chosen by chance.",
        "Hold back more validation rows, use more folds, a smaller rate or larger batches.",
    ),
    Code(
        "NF107", "validation rows easier than training rows",
        "The validation loss stays below the training loss though both are measured alike: the "
        "split is not a fair sample, or rows leak into it.",
        "Look for identical or related rows on both sides; split by group; hold back more rows.",
    ),
    Code(
        "NF108", "unstable predictions",
        "The same network on the same rows scores visibly otherwise with another seed: a single "
        "training run is a draw.",
        "Average several networks, or the weights of the last epochs; report the spread.",
    ),
    Code(
        "NF109", "diverged",
        "The loss became infinite, or far worse than that of a constant.",
        "Lower the learning rate, scale inputs and target, clip gradients.",
    ),
    Code(
        "NF110", "vanishing gradients",
        "The first layer's gradients are tiny beside the last layer's: the early layers do not "
        "learn.",
        "ReLU with He initialisation, batch normalisation, fewer layers.",
    ),
    Code(
        "NF111", "exploding gradients",
        "A few steps move the weights a hundred times further than the others and undo what was "
        "learned.",
        "Clip gradients, lower the learning rate, scale the target.",
    ),
    Code(
        "NF112", "one answer for every row",
        "Every prediction is the same class or number: the score is that of a constant, however "
        "good.",
        "Find out why it learned nothing: learning rate, scaling, dead units. If a class is rare, "
        "weigh the classes and judge by a metric that notices.",
    ),
    Code(
        "NF201", "a part is still to be written",
        "A question to the author stands unanswered. Readers see it marked DRAFT: only a person "
        "can say why a study matters and what it means.",
        "Replace the quotation that begins with **DRAFT** by your answer, or delete it.",
    ),
    Code(
        "NF202", "results are missing or out of date",
        "The report shows what a run found, and the code, data or settings behind it are other "
        "ones now, or it never ran.",
        "Run 'ninefold run'; for section 7, which looks at the hold-out, 'ninefold run 7'. "
        "'ninefold status' says what changed.",
    ),
    Code(
        "NF203", "an expression names nothing",
        "Numbers in prose are looked up in records, so that none goes stale. This one names a "
        "number that no run produced, and no report can be rendered with it.",
        "Correct the name; the message says which there are.",
    ),
    Code(
        "NF204", "the report is not what would be rendered",
        "Readers see the committed report; it differs from what results and prose give now.",
        "Run 'ninefold report' and commit what it writes.",
    ),
    Code(
        "NF205", "a section failed",
        "Its last run ended in an error. Results shown for it are older, or absent.",
        "Correct the cell that the message names, then 'ninefold run'.",
    ),
    Code(
        "NF206", "the data are not those that were shipped",
        "The data file's checksum is not the one in data/SOURCE.json: the results may be of other "
        "rows than readers get.",
        "Take the file back from git; if the change is meant, write the new sha256 and bytes into "
        "data/SOURCE.json and run again.",
    ),
    Code(
        "NF207", "the hold-out was looked at more than once",
        "Every further look lets the hold-out choose a model, and its score becomes as optimistic "
        "as any other that was selected.",
        "Say in section 7 what changed between the looks. The report tells the number.",
    ),
    Code(
        "NF208", "a section with candidates changed after the hold-out was first looked at",
        "Sections 4 to 6 hold the candidates. What was learned from the hold-out may have flowed "
        "back into the choice of the model.",
        "Say in section 7 why they changed, or set aside new rows.",
    ),
    Code(
        "NF209", "the settings are invalid",
        "Nothing can be run or rendered without ninefold.toml.",
        "Correct the key that the message names.",
    ),
    Code(
        "NF210", "a file is too large for GitHub",
        "GitHub warns from 50 MB on and refuses files above 100 MB.",
        "Ship a sample, convert CSV to Parquet, or use Git LFS.",
    ),
    Code(
        "NF211", "the licence of the data is not stated",
        "Without one nobody may use the data, and perhaps you may not publish them.",
        "Find it where the data come from; write it into ninefold.toml as data.licence.",
    ),
    Code(
        "NF212", "a file of the study cannot be read",
        "A notebook, page or record is broken, or of another version of ninefold.",
        "Take it back from git, or run its section again with 'ninefold run --force'.",
    ),
    Code(
        "NF213", "results of a section or of a point that is gone",
        "The notebook was renamed or deleted, or the grid in ninefold.toml was changed. Nothing "
        "reads or shows these results, but readers of the repository find them.",
        "Call 'ninefold status --prune', which removes them; or bring back the notebook, or the "
        "values into the grid.",
    ),
    Code(
        "NF214", "the log of runs and looks was damaged",
        "Lines of results/history.jsonl cannot be read, or do not follow the line that they name. "
        "Nobody knows what stood there, so each line that cannot be read counts as a look; the "
        "marks of a conflict of git's do not. How many looks a log had in whose place a folder "
        "stands, or a link out of the project, is unknown.",
        "If git left a conflict, keep the lines of both sides: delete only those that begin with "
        "<<<<<<<, |||||||, ======= or >>>>>>>. Else take the file back from git. If you cannot, "
        "the next run keeps a copy, adds an entry that says what is missing, and goes on; the "
        "report keeps saying it.",
    ),
    Code(
        "NF215", "a link leads out of the project",
        "Whoever clones the project has other files there, or none, and what it leads to may not "
        "be meant to be published. ninefold neither reads nor writes through it.",
        "Put what it leads to in its place. All of results/ may be a link to another disk.",
    ),
    Code(
        "NF216", "the lock pins other versions than the results were made with",
        "Whoever calls 'make reproduce' gets the libraries of requirements.lock, and with them "
        "perhaps other numbers than the report shows.",
        "Call 'make lock', which writes down what is installed; or run again with what is locked.",
    ),
    Code(
        "NF217", "results are not those that their run left",
        "The log holds the SHA-256 of all that each run left. Something there is another: it was "
        "edited by hand, or is of an earlier run. A run that was killed in the moment between its "
        "entry and its results leaves the same, until the next run.",
        "Take the results back from git, or run the section again: 'ninefold run --force SECTION'.",
    ),
    Code(
        "NF218", "the log and the results do not belong together",
        "There are results that results/history.jsonl does not hold, or git holds entries that it "
        "does not: it was deleted, cut or replaced, or results came from elsewhere. What the log "
        "no longer shows may be looks at the hold-out. Nor can it vouch for results of a ninefold "
        "that kept no log. Or it holds results that are gone, which may have been seen all the "
        "same; after a kill in the moment between entry and results, until the next run.",
        "Take results/ back from git, its history.jsonl included. If the log is lost, say so in "
        "section 7. Run again results that are gone, or older than the log.",
    ),
    Code(
        "NF219", "a forecast follows its result, or may",
        "The record says that the forecast came before the first result; the log, or the history "
        "of git, has the result first, or the result is older than the log.",
        "Say in the section when the forecast was made.",
    ),
    Code(
        "NF220", "the hold-out is not the one that was looked at",
        "Other settings, such as another seed, hold out other rows. Rows that were looked at are "
        "then trained on, and whoever tries several hold-outs can choose the kindest.",
        "Take the settings back, or say in section 7 why they changed.",
    ),
    Code(
        "NF221", "a notebook read the hold-out before the look",
        "The rows of the hold-out are for section 7. What another section learns from them flows "
        "into the choice of the model.",
        "Use study.development() instead of study.split.holdout. The log keeps what was read.",
    ),
    Code(
        "NF222", "the rule that chooses the final model changed after results",
        "Section 3 states the rule beforehand. Whoever changes it when the candidates' scores are "
        "known can choose any of them.",
        "Take [final] in ninefold.toml back, or say in section 7 why it changed.",
    ),
)  # fmt: skip

CODES = {entry.code: entry for entry in _TABLE}
