// The plan of a flow, as the service laid it out: one box for each node, also for a map of ten thousand items.

import { h } from "../h.js";
import { count, percent, visible } from "../format.js";
import { shape, tone, word } from "./badge.js";
import { icon } from "./icon.js";

const BOX = { width: 148, height: 46 };
const STEP = { x: 174, y: 66 };
const MARGIN = 12;

/**
 * @param {{nodes: object[], edges: object[]}} graph answer of `GET /flows/{flow}/graph`
 * @param {(name: string) => {status?: string, total?: number, counts?: object}} [now] what a node does
 * @param {(name: string) => string} [address] where a click on a node leads
 */
export function graphView(graph, { now, address, label, selected } = {}) {
    if (!graph?.nodes.length) return null;
    const left = Math.min(...graph.nodes.map((node) => node.x));
    const top = Math.min(...graph.nodes.map((node) => node.y));
    const place = new Map(graph.nodes.map((node) => [
        node.name, { x: MARGIN + (node.x - left) * STEP.x, y: MARGIN + (node.y - top) * STEP.y },
    ]));
    const width = Math.max(...[...place.values()].map(({ x }) => x)) + BOX.width + MARGIN;
    const height = Math.max(...[...place.values()].map(({ y }) => y)) + BOX.height + MARGIN;
    return h(
        "div", { class: "graph", tabindex: 0, role: "group", "aria-label": label ?? "Plan of the flow" },
        h(
            "svg", { width, height, viewBox: `0 0 ${width} ${height}` },
            h("g", { class: "edges", "aria-hidden": "true" }, graph.edges.map((edge) => edgeView(edge, place, now))),
            graph.nodes.map((node) => nodeView(node, place.get(node.name), now?.(node.name), address, selected)),
        ),
    );
}

function edgeView(edge, place, now) {
    const [from, to] = [place.get(edge.from), place.get(edge.to)];
    const [x1, y1] = [from.x + BOX.width, from.y + BOX.height / 2];
    const [x2, y2] = [to.x - 5, to.y + BOX.height / 2];
    const bend = Math.max(20, (x2 - x1) / 2);
    const isOff = now && now(edge.to)?.status === "skipped";
    return h(
        "g", { key: `${edge.from}>${edge.to}>${edge.way}`, class: isOff ? "edge off" : "edge" },
        h("path", { d: `M${x1} ${y1}C${x1 + bend} ${y1} ${x2 - bend} ${y2} ${x2} ${y2}` }),
        h("path", { class: "tip", d: `M${x2 - 4} ${y2 - 4}l5 4l-5 4` }),
        edge.way && h("text", { x: x1 + 5, y: y1 + (y2 < y1 ? -6 : 13) }, visible(edge.way, { max: 12 })),
    );
}

function nodeView(node, { x, y }, state, address, selected) {
    const status = state?.status;
    const name = node.name.length > 17 ? `${node.name.slice(0, 16)}…` : node.name;
    const content = [
        h("title", null, visible(`${node.name}${node.function ? ` · ${node.function}` : ""}`)),
        node.each && h("rect", { class: "behind", x: x + 4, y: y + 4, width: BOX.width, height: BOX.height, rx: 7 }),
        h("rect", { class: "box", x, y, width: BOX.width, height: BOX.height, rx: 7 }),
        ...fill(state, x, y),
        h("text", { class: "name", x: x + 10, y: y + 19 }, visible(name)),
        status && icon(shape(status), "", { x: x + BOX.width - 22, y: y + 8, width: 13, height: 13 }),
        h("text", { class: "state", x: x + 10, y: y + 36 }, line(node, state)),
    ];
    const props = {
        key: node.name,
        class: `node ${node.kind} ${status ? tone(status) : "plan"}${selected === node.name ? " selected" : ""}`,
        "aria-label": `${visible(node.name)}, ${node.kind}${node.each ? " for each item" : ""}: ${line(node, state)}`,
    };
    return address
        ? h("a", { ...props, href: address(node.name) }, ...content)
        : h("g", { ...props, role: "img" }, ...content);
}

function fill(state, x, y) {
    const { total, counts } = state ?? {};
    if (!counts || !total) return [];
    const done = counts.succeeded + counts.skipped + counts.cancelled;
    const width = (number) => Math.max(0, (number / total) * (BOX.width - 2));
    return [
        h("rect", { class: "fill", x: x + 1, y: y + BOX.height - 4, width: width(done), height: 3 }),
        h("rect", {
            class: "fill failed", x: x + 1 + width(done), y: y + BOX.height - 4,
            width: width(counts.failed + counts.unknown), height: 3,
        }),
    ];
}

/** The second line of a box: what it is, or what it does. */
function line(node, state) {
    if (!state?.status) return visible(node.function ?? node.kind, { max: 22 });
    const { total, counts } = state;
    if (counts && total !== undefined) {
        const failed = counts.failed ? ` · ${count(counts.failed)} failed` : "";
        const done = counts.succeeded + counts.skipped + counts.cancelled;
        if (done + counts.failed >= total) return `${count(total)} items${failed}`;
        return failed
            ? `${percent(done + counts.failed, total)}${failed}`
            : `${percent(done, total)} of ${count(total)}`;
    }
    return state.text ?? word(state.status);
}
