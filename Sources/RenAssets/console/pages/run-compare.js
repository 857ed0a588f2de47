// Two runs side by side: where their histories part, and what differs in input, flow, nodes and items.

import { path } from "../api.js";
import { h } from "../h.js";
import { link, to } from "../router.js";
import { count, duration, moment, plural, visible } from "../format.js";
import { badge } from "../widgets/badge.js";
import { icon } from "../widgets/icon.js";
import { shortJSON } from "../widgets/json.js";
import { loading } from "../widgets/problem.js";
import { place, sentence } from "../words.js";
import { RunPage } from "./run.js";

const RUNS = 20;

export class RunComparePage extends RunPage {
    #diff = null;
    #of = "";
    #others = [];
    #isReading = false;

    get back() {
        return to.run(this.run);
    }

    start() {
        super.start();
        this.#load();
    }

    update() {
        super.update();
        this.#load();
    }

    async #load() {
        const { with: other, node } = this.route.query;
        const of = `${other}/${node}`;
        if (of === this.#of) return;
        this.#of = of;
        this.#isReading = Boolean(other);
        await this.read(async () => {
            if (!other) {
                const { flow } = await this.app.api.get(path`/runs/${this.run}`, null, this.signal);
                const { items } = await this.app.api.get("/runs", { flow, limit: RUNS }, this.signal);
                this.#others = items.filter((run) => run.run !== this.run);
                this.#diff = null;
                return;
            }
            const diff = await this.app.api.get(
                path`/runs/${this.run}/diff`, { with: other, node, result: node ? null : true }, this.signal);
            if (of === this.#of) this.#diff = diff;
        });
        this.#isReading = false;
    }

    content() {
        const { with: other } = this.route.query;
        return h(
            "div", { class: "compare" },
            h("h2", null, other ? `Compared with ${visible(other, { max: 100 })}` : "Compare with another run"),
            this.#choice(other),
            this.#isReading && !this.problem ? loading() : null,
            other && this.#diff && this.#differences(this.#diff),
        );
    }

    #choice(other) {
        const { parent, forks } = this.lineage ?? { parent: null, forks: [] };
        const kin = [
            ...(parent ? [[parent.run, "its parent"]] : []),
            ...forks.slice(0, 8).map((fork) => [fork.run, "a fork of it"]),
        ].filter(([run]) => run !== other);
        return h(
            "form",
            {
                class: "line filters", onsubmit: (event) => {
                    event.preventDefault();
                    const wanted = event.target.elements.with.value.trim();
                    if (wanted) this.app.router.set({ with: wanted, node: null }, { isStep: true });
                },
            },
            h("label", null, "run ", h("input", {
                type: "text", name: "with", list: "others", value: other ?? "", required: true, "data-find": true,
                autocomplete: "off",
            })),
            h("datalist", { id: "others" }, this.#others.map((run) => h("option", { key: run.run, value: run.run }))),
            h("button", { type: "submit" }, "Compare"),
            kin.map(([run, what]) => h("a", { key: run, href: to.run(this.run, "compare", { with: run }) },
                `${visible(run, { max: 60 })}, ${what}`)),
        );
    }

    #differences(diff) {
        const { a, b } = diff;
        return [
            h("p", { key: "verdict", class: "verdict", role: "status" },
                icon(diff.same ? "succeeded" : "quarantined", diff.same ? "ok" : "warn"),
                diff.same ? " Both came to the same." : " They differ.",
                diff.shared > 0 && ` The first ${plural(diff.shared, "event")} are the same records.`),
            h("div", { key: "sides", class: "scroll" }, h("table", null,
                head(["", visible(a.run, { max: 60 }), visible(b.run, { max: 60 })]),
                h("tbody", null,
                    row("Run", [a, b].map(({ run }) => h("a", { key: run, href: to.run(run) }, visible(run)))),
                    row("Status", [a, b].map((side) => badge(side.status))),
                    row("Flow", [a, b].map((side) => h("a", {
                        key: side.run, href: to.flow(`${side.flow}@${side.flow_hash.slice(0, 12)}`),
                    }, `${visible(side.flow)}@${side.flow_hash.slice(0, 7)}`))),
                    row("Started", [a, b].map((side) => moment(side.created))),
                    row("Took", [a, b].map((side) => duration(side.milliseconds))),
                    row("Error", [a, b].map((side) =>
                        side.error ? visible(`${side.error.name}: ${side.error.message}`, { max: 300 }) : "–"))))),
            diff.divergence && this.#divergence(diff),
            h("section", { key: "input", "aria-labelledby": "input" }, h("h2", { id: "input" }, "Input"),
                diff.input.same ? h("p", { class: "quiet" }, "The same.") : changesTable(diff.input.changes)),
            this.#flow(diff),
            this.#nodes(diff),
            diff.values && h("section", { key: "values", "aria-labelledby": "values" },
                h("h2", { id: "values" }, this.route.query.node
                    ? `Outputs of ${visible(this.route.query.node)}` : "Results"),
                diff.values.count === 0
                    ? h("p", { class: "quiet" }, "The same.")
                    : [
                        changesTable(diff.values.changes),
                        diff.values.count > diff.values.changes.length && h("p", { key: "more", class: "quiet" },
                            `and ${count(diff.values.count - diff.values.changes.length)} more`),
                    ]),
            diff.items.length > 0 && h("section", { key: "items", "aria-labelledby": "items" },
                h("h2", { id: "items" }, "Items"), diff.items.map((map) => this.#items(map, diff))),
        ];
    }

    #divergence({ divergence, a, b }) {
        const side = (run, event) => event && h("li", { key: run },
            h("a", { href: to.run(run, "replay", { as_of: event.sequence }) }, `event ${count(event.sequence)}`),
            ` of ${visible(run, { max: 60 })}: ${[place(event), sentence(event)].filter(Boolean).join(" ")}`);
        return h("section", { key: "parting", "aria-labelledby": "parting" },
            h("h2", { id: "parting" }, `Where they part: version ${count(divergence.version)}`),
            h("ul", { class: "plain-list" }, side(a.run, divergence.a), side(b.run, divergence.b),
                !divergence.a && h("li", { key: "a" }, `${visible(a.run, { max: 60 })} has ended before`),
                !divergence.b && h("li", { key: "b" }, `${visible(b.run, { max: 60 })} has ended before`)));
    }

    #flow({ flow }) {
        return h("section", { key: "flow", "aria-labelledby": "flow" }, h("h2", { id: "flow" }, "Flow"),
            flow.same ? h("p", { class: "quiet" }, "The same.") : flow.changes.map((change, index) => h(
                "div", { key: index },
                h("p", null, change.node === null ? "Beside the nodes" : visible(change.node), `: ${change.change}`),
                change.lines.length > 0 && h("pre", { tabindex: 0, class: "diff" }, change.lines.map((line, at) => h(
                    "span",
                    { key: at, class: line.startsWith("+") ? "added" : line.startsWith("-") ? "removed" : null },
                    `${visible(line, { max: 500, lines: true })}\n`))))));
    }

    #nodes({ nodes }) {
        const cell = (side) => side === null ? h("td", { class: "quiet" }, "not there") : h("td", null,
            badge(side.status), " ",
            side.counts && ` ${count(side.counts.succeeded)} ✓ ${count(side.counts.failed)} ✗ `,
            h("span", { class: "quiet" }, duration(side.milliseconds)),
            side.error && h("div", { class: "quiet cut", title: side.error.message },
                `${visible(side.error.name)}: ${visible(side.error.message, { max: 120 })}`));
        return h("section", { key: "nodes", "aria-labelledby": "nodes" }, h("h2", { id: "nodes" }, "Nodes"),
            h("div", { class: "scroll" }, h("table", null,
                head(["Node", "Here", "There", ""]),
                h("tbody", null, nodes.map((node) => h("tr", { key: node.node, class: node.same ? "" : "differs" },
                    h("td", null, visible(node.node)), cell(node.a), cell(node.b),
                    h("td", null, node.same ? h("span", { class: "quiet" }, "the same") : h(
                        "a", { href: link(location.pathname, { ...this.route.query, node: node.node }) },
                        "differs"))))))));
    }

    #items({ node, matched, items, ...counts }, { a, b }) {
        const kinds = Object.entries(counts).filter(([, number]) => number > 0).map(
            ([kind, number]) => `${kind.replaceAll("_", " ")} ${count(number)}`);
        const cell = (side, key, row) => h("td", { key: side.run }, row && [
            h("a", { key: "a", href: to.item(side.run, node, key) }, badge(row.state)),
            row.error && h("span", { key: "e", class: "quiet" }, ` ${visible(row.error.message, { max: 120 })}`),
        ]);
        return h("div", { key: node },
            h("h3", null, visible(node)),
            h("p", { class: "quiet" }, [`${plural(matched, "item")} in both`, ...kinds].join(" · ")),
            items.length > 0 && h("div", { class: "scroll" }, h("table", null,
                head(["Item", "What", "Here", "There"]),
                h("tbody", null, items.map((item) => h("tr", { key: item.key },
                    h("td", null, visible(item.key, { max: 100 })), h("td", null, item.change.replaceAll("_", " ")),
                    cell(a, item.key, item.a), cell(b, item.key, item.b)))))));
    }
}

const head = (names) => h("thead", null, h("tr", null, names.map((name, place) => (
    name ? h("th", { key: place, scope: "col" }, name) : h("td", { key: place })))));

const row = (name, cells) => h("tr", { key: name }, h("th", { scope: "row" }, name), cells.map((cell, place) => h(
    "td", { key: place }, cell)));

function changesTable(changes) {
    return h("div", { key: "changes", class: "scroll" }, h("table", null,
        head(["Where", "Here", "There"]),
        h("tbody", null, changes.map((change) => h("tr", { key: change.pointer },
            h("td", { class: "code" }, visible(change.pointer || "(all)", { max: 200 })),
            h("td", { class: "code" }, "old" in change ? shortJSON(change.old, 200) : "–"),
            h("td", { class: "code" }, "new" in change ? shortJSON(change.new, 200) : "–"))))));
}
