// `h` describes a piece of the page, `render` makes the page so with as few changes as it can.
//
// Data only ever becomes text nodes, attributes and properties: nothing here parses HTML.

const TEXT = Symbol("text");
const SVG = "http://www.w3.org/2000/svg";
/** Set as properties, because the attribute only says what they were at first. */
const PROPERTIES = new Set(["value", "checked", "disabled", "selected", "indeterminate", "open", "scrollTop"]);

/**
 * A widget draws by itself, as canvases and long lists do: made once, updated as often as the page is painted.
 * @typedef {{element: Element, update(props: object): void, remove?(): void}} Widget
 */

/**
 * Describes an element or a widget.
 *
 * Null and false among the children hold a place: siblings keep theirs when something comes and goes. Lists whose
 * order changes give their members a `key`.
 *
 * @param {string | (new (props: object) => Widget)} type
 * @param {object | null} [props] attributes; `on…` are listeners, `style` and `dataset` are objects
 */
export function h(type, props, ...children) {
    return { type, props: props ?? {}, key: props?.key, children: gather(children, []), dom: null, widget: null };
}

function gather(children, into) {
    for (const child of children) {
        if (Array.isArray(child)) gather(child, into);
        else if (child === null || child === undefined || child === false || child === true) into.push(null);
        else if (typeof child === "object") into.push(child);
        else into.push({ type: TEXT, text: String(child), key: undefined, dom: null });
    }
    return into;
}

const trees = new WeakMap();

/** Makes `container` hold what is described, and nothing else. */
export function render(description, container) {
    const next = gather([description], []);
    patchChildren(container, trees.get(container) ?? [], next, false);
    trees.set(container, next);
}

function create(node, isSVG) {
    if (node.type === TEXT) return (node.dom = document.createTextNode(node.text));
    if (typeof node.type === "function") {
        node.widget = new node.type(node.props);
        return (node.dom = node.widget.element);
    }
    const inside = isSVG || node.type === "svg";
    const element = inside ? document.createElementNS(SVG, node.type) : document.createElement(node.type);
    node.dom = element;
    for (const child of node.children) if (child) element.append(create(child, inside));
    // After the children: a select takes a value that one of its options has.
    setProps(element, {}, node.props);
    return element;
}

function patch(old, node, isSVG) {
    node.dom = old.dom;
    if (node.type === TEXT) {
        if (old.text !== node.text) node.dom.data = node.text;
        return;
    }
    if (old.widget) {
        node.widget = old.widget;
        node.widget.update(node.props);
        return;
    }
    patchChildren(node.dom, old.children, node.children, isSVG || node.type === "svg");
    setProps(node.dom, old.props, node.props);
}

function patchChildren(element, old, next, isSVG) {
    const keyed = new Map();
    const loose = [];
    for (const child of old) {
        if (child?.key !== undefined) keyed.set(child.key, child);
        else loose.push(child);
    }
    const matches = new Map();
    const kept = new Set();
    let place = 0;
    for (const node of next) {
        const candidate = node?.key !== undefined ? keyed.get(node.key) : loose[place++];
        if (!node || !candidate || candidate.type !== node.type || kept.has(candidate)) continue;
        matches.set(node, candidate);
        kept.add(candidate);
    }
    // What goes, goes first: else everything behind it would be moved.
    for (const child of old) {
        if (!child || kept.has(child)) continue;
        dispose(child);
        child.dom.remove();
    }
    let cursor = element.firstChild;
    for (const node of next) {
        if (!node) continue;
        const match = matches.get(node);
        if (match) patch(match, node, isSVG);
        else create(node, isSVG);
        if (node.dom === cursor) cursor = cursor.nextSibling;
        else element.insertBefore(node.dom, cursor);
    }
}

function dispose(node) {
    node.widget?.remove?.();
    for (const child of node.children ?? []) if (child) dispose(child);
}

function setProps(element, old, props) {
    for (const name in old) if (!(name in props)) setProp(element, name, null, old[name]);
    for (const name in props) if (props[name] !== old[name]) setProp(element, name, props[name], old[name]);
}

function setProp(element, name, value, old) {
    if (name === "key") return;
    if (name === "style" || name === "dataset") {
        for (const each in old ?? {}) if (!(each in (value ?? {}))) setPart(element, name, each, null);
        for (const each in value ?? {}) if (value[each] !== old?.[each]) setPart(element, name, each, value[each]);
    } else if (name.startsWith("on")) {
        element[name.toLowerCase()] = value ?? null;
    } else if (PROPERTIES.has(name)) {
        element[name] = value ?? (typeof element[name] === "boolean" ? false : "");
    } else if (value === null || value === undefined || (value === false && !name.startsWith("aria-"))) {
        element.removeAttribute(name);
    } else {
        element.setAttribute(name, value === true && !name.startsWith("aria-") ? "" : String(value));
    }
}

function setPart(element, name, part, value) {
    if (name === "dataset") {
        if (value === null || value === undefined) delete element.dataset[part];
        else element.dataset[part] = value;
    } else if (value === null || value === undefined) {
        element.style.removeProperty(part);
    } else {
        element.style.setProperty(part, String(value));
    }
}

/** Paints at the next frame when somebody did something, and at most five times a second for what streams in. */
export class Painter {
    static interval = 200;

    #draw;
    #frame = 0;
    #timer = 0;
    #last = 0;
    /** How often it was painted: tests count it. */
    paints = 0;

    constructor(draw) {
        this.#draw = draw;
    }

    /** A hidden page has no frames, so nothing is painted until it is looked at again. */
    now() {
        this.#frame ||= requestAnimationFrame(() => {
            clearTimeout(this.#timer);
            this.#frame = this.#timer = 0;
            this.#last = performance.now();
            this.paints += 1;
            this.#draw();
        });
    }

    soon() {
        if (this.#timer || this.#frame) return;
        const wait = Math.max(0, this.#last + Painter.interval - performance.now());
        this.#timer = setTimeout(() => {
            this.#timer = 0;
            this.now();
        }, wait);
    }
}
