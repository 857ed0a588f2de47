// Problems of the API (RFC 9457) as people read them: what is wrong, where, and what to do.

import { h } from "../h.js";
import { icon } from "./icon.js";
import { visible } from "../format.js";

/** What a program is told to ask for helps no person. */
const REQUEST = /\b(GET|POST|PUT) \//;

/** @param {import("../api.js").Problem} problem */
export function problemBox(problem, { retry } = {}) {
    if (!problem) return null;
    return h(
        "div", { class: "problem", role: "alert" },
        h("p", { class: "what" }, icon("quarantined"), h("strong", null, visible(problem.message))),
        problem.hint && !REQUEST.test(problem.hint) && h("p", null, visible(problem.hint)),
        problem.errors.length > 1 &&
            h("ul", null, problem.errors.map((error) => h("li", null, visible(error.message), place(error)))),
        h(
            "p", { class: "quiet" },
            problem.status > 0 && problem.code && h("a", { href: `/problems/${problem.code}`, target: "_blank" }, problem.code),
            problem.more?.request && h("span", null, ` · request ${problem.more.request} in ren's log`),
            retry && h("button", { type: "button", class: "small", onclick: retry }, "Try again"),
        ),
    );
}

function place(error) {
    if (!error.line) return null;
    return h("span", { class: "quiet" }, ` ${error.file ?? "line"} ${error.line}:${error.column}`);
}

/** What an empty place says: that it is empty, and what to do about it. */
export function empty(title, ...more) {
    return h("div", { class: "empty" }, h("p", { class: "title" }, title), more.map((each) => h("p", null, each)));
}

export const loading = () => h("p", { class: "loading", role: "status" }, "Reading…");
