// What can be asked of runs, and the dialogs that say what will happen.

import { path, Problem } from "../api.js";
import { h } from "../h.js";
import { count, now, plural, visible } from "../format.js";
import { countsOf } from "../store.js";
import { SchemaForm } from "./form.js";
import { loading, problemBox } from "./problem.js";
import { setsView } from "./sets.js";

const HOUR = 3_600_000;
/** Nodes whose timeout is told. */
const TIMEOUTS = 5;

/**
 * A dialog with a form: `content` describes it, `buttons` are `[text, act, class?, isOff?]`; an `act` gives back a
 * problem, which is shown, or null, which closes the dialog.
 */
function ask(app, title, content, buttons) {
    let problem = null;
    let isBusy = false;
    const press = async (act) => {
        if (isBusy) return;
        isBusy = true;
        problem = null;
        app.dialogs.paint();
        try {
            problem = await act();
            const isShown = app.dialogs.shows(view);
            if (!problem && isShown) app.dialogs.close();
            if (problem && !isShown) refused(app, problem);
        } finally {
            isBusy = false;
            app.dialogs.paint();
        }
    };
    const view = () => h(
        "form",
        {
            onsubmit: (event) => {
                event.preventDefault();
                press(buttons()[0][1]);
            },
        },
        h("h2", null, title), content(), problemBox(problem),
        h("div", { class: "buttons" },
            buttons().map(([text, act, kind = "", isOff = false], index) => h(
                "button",
                {
                    type: index ? "button" : "submit",
                    class: kind,
                    disabled: isBusy || isOff,
                    onclick: index ? () => press(act) : null,
                },
                text)),
            h("button", { type: "button", class: "plain", onclick: () => app.dialogs.close() }, "Cancel")),
    );
    app.dialogs.open(view, { label: title });
}

function refused(app, problem) {
    app.toasts.say(`${problem.message}${problem.hint ? ` (${problem.hint})` : ""}`, null, true);
}

function reasonField(set) {
    return h("div", { class: "field" },
        h("label", { class: "label", for: "reason" },
            "Why",
            h("span", { class: "quiet" }, " optional, kept in the journal"),
        ),
        h("input", {
            id: "reason", type: "text", maxlength: 1000, autofocus: true,
            oninput: (event) => set(event.target.value.trim()),
        }));
}

/** How long calls of nodes at work may take, in words; of the first nodes only. */
async function timeouts(app, run) {
    const { nodes } = await app.api.get(path`/runs/${run}`);
    const names = Object.entries(nodes).filter(([, node]) => countsOf(node).running > 0).map(([name]) => name);
    const details = await Promise.all(
        names.slice(0, TIMEOUTS).map((name) => app.api.get(path`/runs/${run}/nodes/${name}`)));
    return details.flatMap(({ call }, place) => (
        call?.timeout ? [`${visible(names[place], { max: 60 })}: at most ${call.timeout}`] : []));
}

/** @param {() => number} inFlight attempts that run now; asked at every paint */
export function pauseDialog(app, run, inFlight) {
    let reason = "";
    const body = (more) => (reason ? { ...more, reason } : more);
    let limits = [];
    timeouts(app, run).then((read) => {
        limits = read;
        app.dialogs.paint();
    }, () => {
        // How long it may take is not known.
    });
    ask(app, `Pause ${visible(run, { max: 80 })}`, () => [
        h("p", null,
            inFlight()
                ? `${plural(inFlight(), "call in flight", "calls in flight")} will finish`
                    + `${limits.length ? ` (${limits.join(", ")})` : ""}. No new item or node starts.`
                : "Nothing is in flight. No item or node starts until it is resumed.",
        ),
        h("p", null, "Timers keep their wake-up time. Time-outs of calls do not run while nothing runs."),
        inFlight() > 0 && h("p", null,
            "“Pause now” interrupts what is in flight; it runs again after the pause. A “once” call that is "
                + "interrupted becomes unknown instead.",
        ),
        reasonField((text) => (reason = text)),
    ], () => [
        ["Pause", () => app.command(run, "pause", body({}), "The run is pausing:"), "primary"],
        ...(inFlight() ? [[
            `Pause now: interrupt ${count(inFlight())}`,
            () => app.command(run, "pause", body({ now: true }), "The run is pausing at once:"),
        ]] : []),
    ]);
}

export async function resume(app, run) {
    const problem = await app.command(run, "resume", {}, "The run goes on:");
    if (problem) refused(app, problem);
}

/**
 * @param {object} run of the list or its snapshot
 * @param {() => number | null} unbegun what will not run, where it is known; asked at every paint
 */
export function stopDialog(app, run, unbegun) {
    const isLong = now() - Date.parse(run.created) > HOUR;
    const state = { mode: "cancel", reason: "", typed: "" };
    const modes = {
        cancel: "ask calls in flight to stop; after 10 s they are ended", wait: "let calls in flight finish",
        now: "end calls in flight at once",
    };
    ask(app, `Stop ${visible(run.run, { max: 80 })}`, () => [
        h("p", null, "Ends the run for good. ",
            unbegun() === null
                ? "What is open will not run. "
                : `${plural(unbegun(), "node or item", "nodes and items")} will not run. `,
            "Results so far are kept; you can fork from here later."),
        h("fieldset", null, h("legend", null, "What is in flight"), Object.entries(modes).map(([mode, what]) => h(
            "label", { key: mode, class: "choice" },
            h("input", {
                type: "radio", name: "mode", value: mode, checked: state.mode === mode,
                onchange: () => (state.mode = mode),
            }), " ", what))),
        reasonField((text) => (state.reason = text)),
        isLong && h("div", { class: "field" },
            h("label", { class: "label", for: "confirm" },
                "More than an hour of work: type the name of the run to stop it",
            ),
            h("input", {
                id: "confirm", type: "text", autocomplete: "off", oninput: (event) => {
                    state.typed = event.target.value;
                    app.dialogs.paint();
                },
            })),
    ], () => [[
        "Stop the run",
        () => app.command(
            run.run,
            "stop",
            { mode: state.mode, ...(state.reason ? { reason: state.reason } : {}) },
            "The run is stopping:",
        ),
        "danger", isLong && state.typed !== run.run,
    ]]);
}

/** Answers what a pause of the flow waits for. */
export function signalDialog(app, run, name, node) {
    const form = new SchemaForm(node.form ?? null, () => app.dialogs.paint(), undefined);
    ask(app, visible(node.message || "Answer", { max: 300 }), () => [
        h("p", { class: "quiet" },
            `“${visible(name)}” of ${visible(run)} waits for the signal “${visible(node.signal)}”.`,
        ),
        form.view(),
    ], () => [["Send the answer", () => send(app, run, node.signal, form), "primary"]]);
}

/** Sends any signal, also one that nothing waits for yet. @param {string[]} names those that the flow has */
export function anySignalDialog(app, run, names) {
    let name = names[0] ?? "";
    const form = new SchemaForm(null, () => app.dialogs.paint());
    ask(app, "Send a signal", () => [
        h("p", { class: "quiet" }, "A pause that waits for it goes on; one that comes later finds it there."),
        h("div", { class: "field" },
            h("label", { class: "label", for: "signal" }, "Signal"),
            h("input", {
                id: "signal", type: "text", list: "signals", required: true, maxlength: 100, value: name,
                oninput: (event) => (name = event.target.value),
            }),
            h("datalist", { id: "signals" }, names.map((each) => h("option", { key: each, value: each })))),
        form.view(),
    ], () => [["Send", () => send(app, run, name, form), "primary"]]);
}

async function send(app, run, name, form) {
    let payload;
    try {
        payload = form.value;
    } catch (error) {
        return new Problem({ detail: error.message });
    }
    return app.command(run, "signal", { name, payload }, "The answer is taken:");
}

/**
 * Runs failed work again in `run`, after it has said what that means.
 *
 * @param {object} what members of the command's body: `{}` for all, `{nodes, failed}`, `{nodes, keys}`, `{problem}`
 * @param {number} number how many failed nodes and items it means; 0: what was cancelled when the run was stopped
 * @param {() => void} [taken] called when it was sent and taken
 */
export function retryDialog(app, run, what, number, taken) {
    const wish = new Wish(app, run, "retry", () => {
        const body = { ...what };
        if (wish.reason) body.reason = wish.reason;
        if (wish.isCodeChanged) body.code_changed = "again";
        if (wish.again.size) body.again = [...wish.again];
        return body;
    });
    wish.look();
    ask(app, number ? `Retry ${plural(number, "failure")}` : "Go on with what was stopped", () => [
        h("p", null, "New attempts, counted on. What is not named here keeps what it has."),
        wish.view(),
        h("label", { class: "choice" },
            h("input", {
                type: "checkbox", checked: wish.isCodeChanged, onchange: (event) => {
                    wish.isCodeChanged = event.target.checked;
                    wish.look();
                },
            }), " Also run again what other code than today’s made"),
        reasonField((text) => (wish.reason = text)),
    ], () => [[
        number ? "Retry" : "Go on", () => wish.send("The run is open again:", taken), "primary", !wish.isLooked,
    ]]);
}

/**
 * Records an outcome in the place of a result.
 *
 * @param {string | undefined} key of the item; the node itself without one
 * @param {string} state that it is in: only what is unknown may have a result to keep
 */
export function skipDialog(app, run, node, key, state) {
    const form = new SchemaForm(null, () => app.dialogs.paint(), null);
    let [how, words] = ["value", ""];
    const wish = new Wish(app, run, "skip", () => {
        const body = { node };
        if (key !== undefined) body.key = key;
        if (wish.reason) body.reason = wish.reason;
        if (how === "value") return { ...body, value: form.value };
        return how === "keep" ? { ...body, keep: true } : { ...body, fail: words };
    });
    const hows = {
        value: "a value, which counts as success",
        ...(state === "unknown" ? { fail: "failed for good", keep: "the result that it had" } : {}),
    };
    wish.look();
    ask(app, `Skip ${visible(key ?? node, { max: 80 })}`, () => [
        h("fieldset", null, h("legend", null, "What stands for its result"), Object.entries(hows).map(([each, text]) =>
            h("label", { key: each, class: "choice" },
            h("input", {
                type: "radio", name: "how", value: each, checked: how === each, onchange: () => {
                    how = each;
                    wish.look();
                },
            }), " ", text))),
        how === "value" && form.view(),
        how === "fail" && h("div", { class: "field" },
            h("label", { class: "label", for: "words" }, "What went wrong"),
            h("input", {
                id: "words", type: "text", maxlength: 2000, required: true, value: words,
                oninput: (event) => (words = event.target.value),
            })),
        wish.view(),
        reasonField((text) => (wish.reason = text)),
    ], () => [["Skip it", () => wish.send("It is skipped:"), "primary", !wish.isLooked]]);
}

/** A command that can be tried without effect (`dry_run`): what it would do is shown before it is sent. */
class Wish {
    reason = "";
    isCodeChanged = false;
    /** Nodes with `once` that may run again. */
    again = new Set();
    #app;
    #run;
    #word;
    #body;
    #sets = null;
    /** The run's control version when it was looked what the command would do; undefined before. */
    #control;
    #problem = null;
    #looks = 0;

    /** @param {() => object} body of the command as it is wanted now; throws a text for people */
    constructor(app, run, word, body) {
        this.#app = app;
        this.#run = run;
        this.#word = word;
        this.#body = body;
    }

    /** Nothing is sent of which it was not told what it does. */
    get isLooked() {
        return this.#control !== undefined;
    }

    async look() {
        const look = (this.#looks += 1);
        let [sets, problem, control] = [null, null];
        try {
            ({ control } = await this.#app.api.get(path`/runs/${this.#run}`));
            sets = await this.#app.api.post(
                `${path`/runs/${this.#run}`}:${this.#word}`, this.#body(), { query: { dry_run: true } });
        } catch (error) {
            // What cannot be read yet is told when it is sent.
            problem = error instanceof Problem ? error : null;
        }
        if (look !== this.#looks) return;
        [this.#sets, this.#problem, this.#control] = [sets, problem, control];
        this.#app.dialogs.paint();
    }

    view() {
        const sets = this.#sets;
        return h("div", { class: "preview", role: "status" },
            problemBox(this.#problem, { retry: this.isLooked ? null : () => this.look() }),
            !this.isLooked && !this.#problem && loading(),
            sets && setsView(sets),
            sets?.asking.map((node) => h("label", { key: node, class: "choice" },
                h("input", {
                    type: "checkbox", checked: this.again.has(node), onchange: () => {
                        if (!this.again.delete(node)) this.again.add(node);
                        this.look();
                    },
                }), ` “${visible(node, { max: 60 })}” may run again although it is to run once`)));
    }

    async send(said, taken) {
        let body;
        try {
            body = this.#body();
        } catch (error) {
            return new Problem({ detail: error.message });
        }
        const problem = await this.#app.command(this.#run, this.#word, body, said, { ifMatch: this.#control });
        if (!problem) {
            taken?.();
            return null;
        }
        if (problem.code !== "version.conflict") {
            // What was shown is not what there is.
            this.#sets = this.#problem = null;
            return problem;
        }
        await this.look();
        return new Problem({
            status: problem.status, code: problem.code,
            detail: "Somebody else asked something of the run meanwhile, so what is shown here was not true any more",
            hint: "now it is: look at it again",
        });
    }
}
