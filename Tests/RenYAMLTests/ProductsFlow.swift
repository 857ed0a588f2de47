/// The flow of the design's section on flows, as a user writes it.
let productsFlow = """
    flow: products
    input:                                   # JSON Schema; defaults are filled in, violations refuse the run
      type: object
      required: [shop]
      properties:
        shop: {type: string}
        limit: {type: integer, minimum: 1, default: 10000}
    defaults:
      retry: {attempts: 3, every: 1s, factor: 2, longest: 1m, jitter: 0.2}
      timeout: 2m
    nodes:
      list:
        function: shop.list_products
        with: {shop: {var: input.shop}, limit: {var: input.limit}}
      scrape:
        after: [list]
        each: {var: nodes.list.output}       # one item per element
        key: {var: item.sku}
        function: shop.scrape
        with: {url: {var: item.url}}
        concurrency: 16
        rate: 50/s
        tolerate: 5%
      images:
        each: {stream: scrape}               # item by item, as scrape's items succeed
        function: images.fingerprint
        with: {page: {var: item}}
      enough:
        after: [images]
        condition: {">=": [{var: nodes.images.succeeded}, {"*": [{var: input.limit}, 0.9]}]}
      similarity:
        after: [enough.then]
        function: similarity.pairs
        with: {fingerprints: {var: nodes.images.items}}
      review:
        after: [similarity]
        pause: {message: Check the pairs, signal: approve, timeout: 24h}
      export:
        after: [review]
        function: export.workbook
        with: {pairs: {var: nodes.similarity.output}}
        once: true
      too-few:
        after: [enough.else]
        fail: Too few usable images
    output: {var: nodes.export.output}
    """

let productsFlowJSON = """
    {"flow": "products",
     "input": {"type": "object", "required": ["shop"], "properties": {
        "shop": {"type": "string"}, "limit": {"type": "integer", "minimum": 1, "default": 10000}}},
     "defaults": {
        "retry": {"attempts": 3, "every": "1s", "factor": 2, "longest": "1m", "jitter": 0.2}, "timeout": "2m"},
     "nodes": {
        "list": {"function": "shop.list_products",
            "with": {"shop": {"var": "input.shop"}, "limit": {"var": "input.limit"}}},
        "scrape": {"after": ["list"], "each": {"var": "nodes.list.output"}, "key": {"var": "item.sku"},
            "function": "shop.scrape", "with": {"url": {"var": "item.url"}}, "concurrency": 16, "rate": "50/s",
            "tolerate": "5%"},
        "images": {"each": {"stream": "scrape"}, "function": "images.fingerprint", "with": {"page": {"var": "item"}}},
        "enough": {"after": ["images"],
            "condition": {">=": [{"var": "nodes.images.succeeded"}, {"*": [{"var": "input.limit"}, 0.9]}]}},
        "similarity": {"after": ["enough.then"], "function": "similarity.pairs",
            "with": {"fingerprints": {"var": "nodes.images.items"}}},
        "review": {"after": ["similarity"],
            "pause": {"message": "Check the pairs", "signal": "approve", "timeout": "24h"}},
        "export": {"after": ["review"], "function": "export.workbook",
            "with": {"pairs": {"var": "nodes.similarity.output"}}, "once": true},
        "too-few": {"after": ["enough.else"], "fail": "Too few usable images"}},
     "output": {"var": "nodes.export.output"}}
    """
