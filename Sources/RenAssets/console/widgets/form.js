// A form from a JSON Schema, for inputs of flows, answers to signals and arguments of functions.

import { parseJSON } from "../exact.js";
import { h } from "../h.js";
import { visible } from "../format.js";

const PLAIN = new Set(["string", "number", "integer", "boolean"]);
let forms = 0;

/**
 * Fields where the schema says what there is, JSON where it does not, and JSON for all of it whenever that is wanted.
 * What is right is decided by the service: its answer is shown beside the form.
 */
export class SchemaForm {
    /** Whether all of it is written as JSON. */
    isJSON;
    #schema;
    #texts = new Map();
    /** Number fields that hold something else, which browsers keep to themselves. */
    #garbled = new Set();
    #whole;
    #paint;
    #id = `f${++forms}`;
    /** Why it stayed in the form that it has. */
    #refusal = null;

    /** @param {object | null} schema @param {object} [value] what stands in it at first */
    constructor(schema, paint, value) {
        this.#schema = schema ?? {};
        this.#paint = paint;
        this.#whole = pretty(value ?? sample(this.#schema));
        this.isJSON = this.#properties.length === 0;
        if (this.isJSON) return;
        try {
            this.#fill(value ?? defaults(this.#properties));
        } catch {
            // What no field holds would be lost.
            this.isJSON = true;
        }
    }

    get #properties() {
        return Object.entries(this.#schema.properties ?? {});
    }

    /** @returns {unknown} what was written @throws {Error} a text for people, where it cannot be read */
    get value() {
        if (this.isJSON) return parse(this.#whole, "The input");
        return this.#members((_, error) => {
            throw error;
        });
    }

    /** What the fields hold; `unread` gives what cannot be read. */
    #members(unread) {
        const value = {};
        for (const [name, property] of this.#properties) {
            const text = this.#texts.get(name);
            const isEmpty = text === undefined && !this.#garbled.has(name);
            if (isEmpty && !this.#isRequired(name)) continue;
            try {
                if (this.#garbled.has(name)) throw new Error(`${visible(name)} is no number`);
                value[name] = isEmpty ? emptyOf(property, name) : read(text, property, name);
            } catch (error) {
                value[name] = unread(name, error);
            }
        }
        return value;
    }

    #isRequired(name) {
        return this.#schema.required?.includes(name) ?? false;
    }

    view() {
        const hasFields = this.#properties.length > 0;
        return h(
            "div", { class: "form" },
            this.isJSON ? this.#all() : this.#properties.map(([name, property]) => this.#field(name, property)),
            hasFields && h(
                "button", { type: "button", class: "small", onclick: () => this.#toggle() },
                this.isJSON ? "Write it in fields" : "Write it as JSON"),
            this.#refusal && h("p", { class: "note bad", role: "alert" }, this.#refusal),
        );
    }

    #toggle() {
        this.#refusal = null;
        try {
            if (this.isJSON) this.#fill(this.value);
            else this.#whole = pretty(this.#members((name) => this.#texts.get(name) || null));
            this.isJSON = !this.isJSON;
        } catch (error) {
            this.#refusal = error.message;
        }
        this.#paint();
    }

    /** @throws {Error} a text for people, where the fields cannot hold all of it */
    #fill(value) {
        if (value === null || typeof value !== "object" || Array.isArray(value)) throw new Error("It is no object.");
        for (const [name, member] of Object.entries(value)) {
            const property = Object.hasOwn(this.#schema.properties, name) ? this.#schema.properties[name] : null;
            if (!property || !fits(member, property)) {
                throw new Error(`There is no field that holds ${visible(name, { max: 60 })} as it is.`);
            }
        }
        this.#garbled.clear();
        this.#texts = new Map(Object.entries(value).map(([name, member]) => [
            name, kindOf(this.#schema.properties[name]) === "json" ? pretty(member) : member,
        ]));
    }

    #all() {
        return h(
            "label", { class: "field", key: "all" }, h("span", { class: "label" }, "JSON"),
            h("textarea", {
                class: "code", rows: 8, spellcheck: "false", value: this.#whole,
                oninput: (event) => {
                    this.#whole = event.target.value;
                    this.#paint();
                },
            }));
    }

    #field(name, property) {
        const kind = kindOf(property);
        const id = `${this.#id}-${name}`;
        const text = this.#texts.get(name);
        // What is empty is left out, but a text that has to be there.
        const set = (value, isGarbled = false) => {
            if (value === "" && !(kind === "string" && this.#isRequired(name))) this.#texts.delete(name);
            else this.#texts.set(name, value);
            if (isGarbled) this.#garbled.add(name);
            else this.#garbled.delete(name);
            this.#paint();
        };
        const note = [property.description, limits(property)].filter(Boolean).join(" · ");
        const common = { id, "aria-describedby": note ? `${id}-note` : null, required: this.#isRequired(name) };
        const label = h(
            "label", { class: "label", for: id }, visible(name),
            this.#isRequired(name) ? null : h("span", { class: "quiet" }, " optional"));
        const noteView = note && h("p", { class: "quiet note", id: `${id}-note` }, visible(note));
        if (kind === "boolean") {
            return h(
                "div", { class: "field check", key: name },
                h(
                    "input",
                    {
                        ...common,
                        required: false,
                        type: "checkbox",
                        checked: text === true,
                        onchange: (e) => set(e.target.checked),
                    },
                ),
                label, noteView);
        }
        let control;
        if (kind === "enum") {
            control = h(
                "select", {
                    ...common, value: text === undefined ? "" : String(text),
                    onchange: (event) => set(event.target.value),
                },
                this.#isRequired(name) && text !== undefined ? null : h("option", { value: "" }, "–"),
                property.enum.map((each) => h("option", { key: String(each), value: String(each) }, visible(each))));
        } else if (kind === "number" || kind === "integer") {
            control = h("input", {
                ...common, type: "number", step: kind === "integer" ? 1 : "any", min: property.minimum,
                max: property.maximum, value: text ?? "", placeholder: text === null ? "null" : null,
                oninput: ({ target }) => set(target.value, target.validity.badInput),
            });
        } else if (kind === "string") {
            control = h(
                "input",
                {
                    ...common, type: "text", value: text ?? "", placeholder: text === null ? "null" : null,
                    oninput: (event) => set(event.target.value),
                },
            );
        } else {
            control = h("textarea", {
                ...common, class: "code", rows: 4, spellcheck: "false", value: text ?? "", placeholder: "JSON",
                oninput: (event) => set(event.target.value),
            });
        }
        return h("div", { class: "field", key: name }, label, control, noteView);
    }
}

function kindOf(property) {
    if (Array.isArray(property.enum)) return "enum";
    const types = [property.type].flat().filter((type) => type !== "null");
    return types.length === 1 && PLAIN.has(types[0]) ? types[0] : "json";
}

/** Whether the field of a property can hold a value, so that it comes out again as it is. */
function fits(value, property) {
    if (value === null && [property.type].flat().includes("null")) return true;
    switch (kindOf(property)) {
        case "enum": return property.enum.includes(value);
        case "number":
        case "integer": return typeof value === "number" || typeof value === "bigint";
        case "json": return true;
        default: return typeof value === kindOf(property);
    }
}

function emptyOf(property, name) {
    const empty = { string: "", boolean: false }[kindOf(property)];
    if (empty === undefined) throw new Error(`${name} is missing`);
    return empty;
}

function read(text, property, name) {
    // As it was given: nothing was written in its place.
    if (text === null) return null;
    switch (kindOf(property)) {
        case "boolean": return text === true;
        case "enum": return property.enum.find((each) => String(each) === String(text));
        case "number":
        case "integer": {
            const number = Number(text);
            if (!Number.isFinite(number)) throw new Error(`${name} is no number`);
            return /^-?\d{16,}$/.test(text) ? BigInt(text) : number;
        }
        case "string": return text;
        default: return parse(text, name);
    }
}

/** @throws {Error} a text for people that names what cannot be read */
export function parse(text, name) {
    try {
        return parseJSON(text);
    } catch (error) {
        throw new Error(`${name} is no JSON: ${error.message}`);
    }
}

function limits(property) {
    const { minimum, maximum } = property;
    if (minimum !== undefined && maximum !== undefined) return `${minimum} to ${maximum}`;
    if (minimum !== undefined) return `at least ${minimum}`;
    return maximum !== undefined ? `at most ${maximum}` : null;
}

function defaults(properties) {
    return Object.fromEntries(properties.flatMap(
        ([name, property]) => (property.default === undefined ? [] : [[name, property.default]])));
}

/** What can be filled in where nothing is known but names. */
function sample(schema) {
    const value = {};
    for (const name of schema.required ?? []) value[name] = schema.properties?.[name]?.default ?? null;
    return value;
}

const pretty = (value) => JSON.stringify(value, null, 2);
