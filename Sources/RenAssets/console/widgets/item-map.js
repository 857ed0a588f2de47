// The heat map of a node's items with its words: counts, what the colours mean, and where a cell leads.

import { path, Problem } from "../api.js";
import { h } from "../h.js";
import { count, duration, plural, visible } from "../format.js";
import { SHOWN_STATES } from "../store.js";
import { tally } from "./badge.js";
import { Heatmap, legendOf } from "./heatmap.js";
import { empty } from "./problem.js";
import { segments } from "./table.js";

const BY = [["state", "state"], ["ms", "time"], ["attempts", "attempts"]];

/** Times and attempts of maps as they were read last, by page. */
const known = new WeakMap();

/**
 * @param {import("../pages/run.js").RunPage} page its address says by what the cells are coloured (`by`)
 * @param {{onrange?: (from: number, to: number) => void, tall?: boolean}} [options]
 */
export function itemMap(page, node, { tall = false } = {}) {
    const { store, app, run } = page;
    const total = store.snapshot.nodes[node]?.total;
    const states = store.items.get(node);
    if (total === 0) return empty(`“${visible(node)}” has no items: its list was empty`);
    if (!states) return null;
    // As of an event, only states are known of all items.
    const by = (store.isPast ? null : BY.find(([word]) => word === page.route.query.by)?.[0]) ?? "state";
    const counts = store.counts(node);
    const values = by === "state" ? null : valuesOf(page, node, by);
    const shown = SHOWN_STATES.filter((state) => counts[state]);
    const summary = shown.map((state) => `${count(counts[state])} ${state}`).join(", ");
    return h(
        "section", { class: "items", "aria-label": `Items of ${visible(node)}` },
        h("div", { class: "line" },
            h("h2", null, "Items of ", h("a", { href: page.at.node(node) }, visible(node))),
            h("span", { class: "tallies" }, shown.map((state) =>
                h("a", { key: state, href: page.at.node(node, { state }) },
                    tally(state, counts[state], `${count(counts[state])} ${state}`),
                ))),
            h("span", { class: "grow" }),
            !store.isPast && segments(
                "Colour by", BY, by, (word) => app.router.set({ by: word === "state" ? null : word }))),
        h(Heatmap, {
            states, by, values: values?.bytes, mark: values?.mark, rowsMax: tall ? 260 : 200,
            label: `${plural(total, "item")} of ${visible(node)}, one cell each: ${summary}. The list has the `
                + `same in words.`,
            describe: (index) => describe(page, node, index), onopen: (index) => openItem(page, node, index),
            onrange: (from) => app.router.go(page.at.node(node, { at: from })),
        }),
        h("p", { class: "quiet legend" },
            by === "state"
                ? "One cell for each item, in the order of the list. Point to see which, click to open."
                : legend(by),
            " ", h("a", { href: page.at.node(node) }, "As a list")),
    );
}

function legend(by) {
    return legendOf(by).map(({ label }, index) => h("span", { key: label, class: "swatch" },
        h("span", { class: `ramp r${index + 1}`, "aria-hidden": "true" }),
        label,
    ));
}

/** Bytes of times or attempts; read again as items end, but not often. */
function valuesOf(page, node, by) {
    const id = `${node}/${by}`;
    const kept = known.get(page);
    const old = kept?.id === id ? kept : { id, bytes: null, at: 0, version: -1, mark: id };
    known.set(page, old);
    const { version } = page.store.items.get(node);
    if (old.version !== version && Date.now() - old.at > 3000) {
        old.at = Date.now();
        page.app.api.bytes(path`/runs/${page.run}/nodes/${node}/heatmap`, { by }, page.signal).then(
            ({ bytes }) => {
                Object.assign(old, { bytes, version, mark: `${id}/${version}` });
                page.soon();
            },
            (error) => {
                if (!(error instanceof Problem) && error.name !== "AbortError") throw error;
            });
    }
    return old;
}

async function itemAt(page, node, index) {
    try {
        const window = await page.app.api.get(
            path`/runs/${page.run}/nodes/${node}/items`,
            { offset: index, limit: 1, as_of: page.asOf },
            page.signal,
        );
        return window.items[0] ?? null;
    } catch (error) {
        if (!(error instanceof Problem) && error.name !== "AbortError") throw error;
        return null;
    }
}

async function describe(page, node, index) {
    const item = await itemAt(page, node, index);
    if (!item) return null;
    const parts = [visible(item.key, { max: 80 }), item.state];
    if (item.attempts > 1) parts.push(`${item.attempts} attempts`);
    if (item.milliseconds !== null) parts.push(duration(item.milliseconds));
    if (item.error) parts.push(`${visible(item.error.name)}: ${visible(item.error.message, { max: 120 })}`);
    return parts.join(" · ");
}

async function openItem(page, node, index) {
    const item = await itemAt(page, node, index);
    if (item) page.app.router.go(page.at.item(node, item.key));
}
