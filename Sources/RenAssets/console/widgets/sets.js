// What would happen to the nodes of a run that is opened again or forked: the answer of a dry run, in words.

import { h } from "../h.js";
import { count, plural, visible } from "../format.js";

/** Stretches of numbers that are named. */
const PARTS = 12;
const one = (node) => visible(node, { max: 60 });
const names = (nodes) => nodes.map(one).join(", ");

const list = (rows) => h("dl", { class: "sets" }, rows.filter(([, what]) => what).map(([name, what], place) => [
    h("dt", { key: `t${place}` }, name), h("dd", { key: `d${place}` }, what),
]));

/** Some of `7,12-15,207` as `numbers 7, 12-15, 207`. */
function indexList(indexes) {
    const parts = indexes.split(",");
    const more = parts.length > PARTS ? ` and ${count(parts.length - PARTS)} more` : "";
    return `${/^\d+$/.test(indexes) ? "number" : "numbers"} ${parts.slice(0, PARTS).join(", ")}${more}`;
}

/** @param {object} sets `ren.reopening/1` */
export function setsView(sets) {
    return list([
        ["Runs again", names(sets.again)],
        ...Object.entries(sets.items).map(([node, { count, indexes }]) => [
            "Runs again",
            count ? `${plural(count, "item")} of ${one(node)} (${indexList(indexes)})` : `the end of ${one(node)}`,
        ]),
        ...Object.entries(sets.further).map(([node, count]) => [
            "Goes on", `${plural(count, "item")} of ${one(node)}, which had not begun or not ended`,
        ]),
        ["Looked at again", sets.affected.length && `${names(sets.affected)}: they run if their input is another one`],
        ["Asks a person", sets.asking.length && `${names(sets.asking)}: to run once, if the input is another one`],
        ["Keeps its result", names(sets.kept)],
    ]);
}

const FATES = {
    kept: "Keeps its result", again: "Runs again", compared: "Looked at again", asks: "Asks a person",
    unknown: "Is unknown", given: "Has its result given",
};
const WHY = {
    compared: "what has the same input keeps its result, the rest runs again",
    asks: "to run once, if the input is another one", unknown: "it was running, and is to run once: a person decides",
};

/** @param {object} plan `ren.fork/1` */
export function forkView(plan) {
    const of = (what) => [
        plan.totals.nodes[what] && plural(plan.totals.nodes[what], "node"),
        plan.totals.items[what] && plural(plan.totals.items[what], "item"),
    ].filter(Boolean).join(" and ");
    // A map that goes on says how much of it stands; one that is whole says how much that is.
    const isPart = ({ what, items }) => what === "again" && (items?.kept || items?.unknown);
    const all = ({ node, items }) => one(node)
        + (items ? ` (${plural(Object.values(items).reduce((sum, each) => sum + each, 0), "item")})` : "");
    return [
        h("p", { key: "totals" }, [["kept", "keeps"], ["again", "runs again"], ["compared", "looks at again"]]
            .filter(([what]) => of(what)).map(([what, verb]) => `${verb} ${of(what)}`).join(" · ")),
        list([
            ...plan.nodes.filter(isPart).map(({ node, items: { kept = 0, again = 0, unknown = 0 } }) => [
                "Keeps a part",
                `${one(node)}: ${count(kept)} of ${plural(kept + again + unknown, "item")}, ${count(again)} `
                    + `${again === 1 ? "runs" : "run"} again${unknown ? `, ${count(unknown)} are unknown` : ""}`,
            ]),
            ...Object.entries(FATES).map(([what, name]) => {
                const nodes = plan.nodes.filter((node) => node.what === what && !isPart(node)).map(all);
                return [name, nodes.length && nodes.join(", ") + (WHY[what] ? `: ${WHY[what]}` : "")];
            }),
            ["Its item is given", names(plan.given.filter((place) => place.includes("/")))],
            ["Is new", names(plan.new)],
            ["Is gone", names(plan.gone)],
        ]),
    ];
}
