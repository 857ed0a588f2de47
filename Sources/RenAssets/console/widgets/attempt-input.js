// What an attempt of an item was called with, and the same as a test to run without ren.

import { itemPath, path } from "../api.js";
import { h } from "../h.js";
import { visible } from "../format.js";
import { icon } from "./icon.js";
import { JSONView } from "./json.js";

/** Asked for when an attempt is shown. */
export class AttemptInput {
    #page;
    #json;
    #answer = null;
    #problem = null;
    #of = null;

    /** @param {import("../pages/run.js").RunPage} page of an item */
    constructor(page) {
        this.#page = page;
        this.#json = new JSONView(page.paint);
    }

    /** `output` undefined: none is known. */
    view(attempt, output) {
        if (this.#of !== attempt.begun) this.#load(attempt);
        const { arguments: given, lazy, proved } = this.#answer ?? {};
        return h(
            "section", null,
            h("h3", null, "Input"),
            this.#problem && h("p", { class: "quiet" }, visible(this.#problem.message)),
            this.#answer && [
                this.#json.view(given),
                lazy.length > 0 && h("p", { key: "lazy", class: "quiet" },
                    `Handed over page by page: ${lazy.map((name) => visible(name)).join(", ")}`),
                h("p", { key: "proof", class: "quiet" }, proved
                    ? "Made again from what was recorded; it has the recorded hash."
                    : "What it was made of has changed since: this is not what the attempt got."),
                proved && !lazy.length && this.#function && h("button", {
                    key: "copy", type: "button", class: "small", onclick: () => this.#copy(attempt, output),
                }, icon("copy"), "Copy as pytest"),
            ],
        );
    }

    async #load(attempt) {
        const { app, run, route, signal } = this.#page;
        const { node, key } = route.params;
        this.#of = attempt.begun;
        this.#answer = this.#problem = null;
        const [address, query] = itemPath(run, node, key, path`/attempts/${attempt.attempt}/arguments`);
        // Without them the page says all else that it knows.
        await this.#page.read(async () => {
            const answer = await app.api.get(address, query, signal).catch((error) => {
                if (error.name === "AbortError") throw error;
                return { error };
            });
            if (this.#of !== attempt.begun) return;
            this.#problem = answer.error ?? null;
            this.#answer = answer.error ? null : answer;
        });
    }

    get #function() {
        const { store, route } = this.#page;
        return store.graph?.nodes.find((each) => each.name === route.params.node)?.function;
    }

    async #copy(attempt, output) {
        const { app, run, route, signal } = this.#page;
        await this.#page.read(async () => {
            const name = this.#function;
            const { file, language } = await app.api.get(path`/functions/${name}`, null, signal);
            if (language !== "python") return app.toasts.say("The function is not one in Python.", null, true);
            return app.copy(pytest({
                file, name, run, ...route.params, attempt, output, given: this.#answer.arguments,
            }), "The test");
        });
    }
}

/** JSON's texts are texts of Python, too. */
function pytest({ file, name, run, node, key, attempt, output, given }) {
    const text = JSON.stringify;
    const value = (json) => `json.loads(${text(text(json))})`;
    const ended = attempt.error ? `${attempt.error.name}: ${attempt.error.message}` : attempt.outcome ?? "running";
    const known = `node=${text(node)}, key=${text(key)}, attempt=${attempt.attempt}`;
    return [
        "import json",
        "",
        "import ren.testing",
        "",
        "",
        `def test_${`${node}_${key}`.replace(/\W/g, "_").slice(0, 80)}():`,
        `    ${text(`Item ${key} of ${node} in run ${run}, attempt ${attempt.attempt}: ${ended}`)}`,
        `    arguments = ${value(given)}`,
        `    result = ren.testing.call(${text(file)}, ${text(name)}, arguments, ${known})`,
        `    assert result == ${output === undefined ? "..." : value(output)}`,
        "",
    ].join("\n");
}
