// What can be asked of runs, and the dialogs that say what will happen.

import { Problem } from "../api.js";
import { h } from "../h.js";
import { count, plural, visible } from "../format.js";
import { SchemaForm } from "./form.js";
import { problemBox } from "./problem.js";

const HOUR = 3_600_000;

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
            if (!problem) app.dialogs.close();
        } finally {
            isBusy = false;
            app.dialogs.paint();
        }
    };
    app.dialogs.open(() => h(
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
    ), { label: title });
}

function reasonField(set) {
    return h("div", { class: "field" },
        h(
            "label",
            { class: "label", for: "reason" },
            "Why",
            h("span", { class: "quiet" }, " optional, kept in the journal"),
        ),
        h(
            "input",
            {
                id: "reason",
                type: "text",
                maxlength: 1000,
                autofocus: true,
                oninput: (event) => set(event.target.value.trim()),
            },
        ));
}

/** @param {number} inFlight attempts that run now */
export function pauseDialog(app, run, inFlight) {
    let reason = "";
    const body = (more) => (reason ? { ...more, reason } : more);
    const what = plural(inFlight, "call in flight", "calls in flight");
    ask(app, "Pause the run", () => [
        h(
            "p",
            null,
            inFlight
                ? `${what} will finish. No new item or node starts.`
                : "Nothing is in flight. No item or node starts until it is resumed.",
        ),
        h("p", null, "Timers keep their wake-up time. Time-outs of calls do not run while nothing runs."),
        inFlight > 0 && h(
            "p",
            null,
            "“Pause now” interrupts what is in flight; it runs again after the pause. A “once” call that is "
                + "interrupted becomes unknown instead.",
        ),
        reasonField((text) => (reason = text)),
    ], () => [
        ["Pause", () => app.command(run, "pause", body({}), "The run is pausing:"), "primary"],
        ...(inFlight ? [[
            `Pause now: interrupt ${count(inFlight)}`,
            () => app.command(run, "pause", body({ now: true }), "The run is pausing at once:"),
        ]] : []),
    ]);
}

export async function resume(app, run) {
    const problem = await app.command(run, "resume", {}, "The run goes on:");
    if (problem) app.toasts.say(`${problem.message}${problem.hint ? ` (${problem.hint})` : ""}`, null, true);
}

/**
 * @param {object} run of the list or its snapshot
 * @param {number | null} unfinished what will not run, where it is known
 */
export function stopDialog(app, run, unfinished, canFork = false) {
    const isLong = Date.now() - Date.parse(run.created) > HOUR;
    const state = { mode: "cancel", reason: "", typed: "" };
    const modes = {
        cancel: "ask calls in flight to stop; after 10 s they are ended", wait: "let calls in flight finish",
        now: "end calls in flight at once",
    };
    ask(app, `Stop ${visible(run.run, { max: 80 })}`, () => [
        h("p", null, "Ends the run for good. ",
            unfinished === null
                ? "What is open will not run. "
                : `${plural(unfinished, "node or item", "nodes and items")} will not run. `,
            `Results so far are kept${canFork ? "; you can fork from here later" : ""}.`),
        h("fieldset", null, h("legend", null, "What is in flight"), Object.entries(modes).map(([mode, what]) => h(
            "label", { key: mode, class: "choice" },
            h(
                "input",
                {
                    type: "radio",
                    name: "mode",
                    value: mode,
                    checked: state.mode === mode,
                    onchange: () => (state.mode = mode),
                },
            ), " ", what))),
        reasonField((text) => (state.reason = text)),
        isLong && h("div", { class: "field" },
            h(
                "label",
                { class: "label", for: "confirm" },
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
        h(
            "p",
            { class: "quiet" },
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
            h(
                "input",
                {
                    id: "signal",
                    type: "text",
                    list: "signals",
                    required: true,
                    maxlength: 100,
                    value: name,
                    oninput: (event) => (name = event.target.value),
                },
            ),
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
 * Runs failed work again. @param {object} what body of the command: `{}` for all, `{node}`, `{node, keys}`
 * @param {number} number how many failed nodes and items it means
 */
export function retryDialog(app, run, what, number) {
    let reason = "";
    ask(app, `Retry ${plural(number, "failure")}`, () => [
        h(
            "p",
            null,
            "They run again with new attempts, and so does what read their results. Everything else keeps what it has.",
        ),
        reasonField((text) => (reason = text)),
    ], () => {
        const body = reason ? { ...what, reason } : what;
        return [["Retry", () => app.command(run, "retry", body, "The run is open again:"), "primary"]];
    });
}

/** Records a value in the place of a result. */
export function skipDialog(app, run, node, key) {
    let reason = "";
    const form = new SchemaForm(null, () => app.dialogs.paint(), null);
    ask(app, `Skip ${visible(key ?? node, { max: 80 })} with a value`, () => [
        h("p", null, "The value is recorded in the place of its result and counts as success."),
        form.view(),
        reasonField((text) => (reason = text)),
    ], () => [["Skip it", async () => {
        let value;
        try {
            value = form.value;
        } catch (error) {
            return new Problem({ detail: error.message });
        }
        const body = { node, value, ...(key === undefined ? {} : { key }), ...(reason ? { reason } : {}) };
        return app.command(run, "skip", body, "It is skipped:");
    }, "primary"]]);
}

/** Which of the commands of the replay family this ren has. */
export async function abilities(api) {
    const has = (word) => api.has("POST", `/runs/{run}:${word}`);
    const [retry, skip, fork, state] = await Promise.all([
        has("retry"),
        has("skip"),
        has("fork"),
        api.has("GET", "/runs/{run}/state"),
    ]);
    return { retry, skip, fork, state };
}

