// What would happen to the nodes of a run that is opened again or forked: the answer of a dry run, in words.

import { h } from "../h.js";
import { plural, visible } from "../format.js";

const names = (nodes) => nodes.map((name) => visible(name, { max: 60 })).join(", ");

/** @param {object} sets `ren.reopening/1` or `ren.fork/1` */
export function setsView(sets) {
    const rows = [
        ["Runs again", names(sets.again)],
        ...Object.entries(sets.items).map(([node, { count, indexes }]) => [
            "Runs again",
            count
                ? `${plural(count, "item")} of ${visible(node, { max: 60 })} (number ${visible(indexes, { max: 100 })})`
                : `the end of ${visible(node, { max: 60 })}`,
        ]),
        ["Looked at again", sets.affected.length && `${names(sets.affected)}: they run if their input is another one`],
        ["Asks a person", sets.asking.length && `${names(sets.asking)}: to run once, if the input is another one`],
        ["Keeps its result", names(sets.kept)],
        ["Has its result given", names(sets.given ?? [])],
        ["Is new", names(sets.new ?? [])],
        ["Is gone", names(sets.gone ?? [])],
    ].filter(([, what]) => what);
    return h("dl", { class: "sets" }, rows.map(([name, what], place) => [
        h("dt", { key: `t${place}` }, name), h("dd", { key: `d${place}` }, what),
    ]));
}
