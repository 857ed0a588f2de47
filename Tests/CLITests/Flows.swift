/// The flows and functions that the tests run.
enum Flows {
    /// Without functions: asks a person when the number is large, fails when it is small.
    static let gate = """
        flow: gate
        input:
          type: object
          additionalProperties: false
          properties:
            n: {type: integer, default: 1}
            name: {type: string, default: nobody}
            any: {}
        nodes:
          big:
            condition: {">": [{var: input.n}, 10]}
          ask:
            after: [big.then]
            pause: {message: "Really?", signal: approve, form: {type: object, required: [ok]}}
          small:
            after: [big.else]
            fail: {cat: ["too small: ", {var: input.n}]}
        output: {input: {var: input}, answer: {var: nodes.ask.output}}
        """

    /// Ends at once with a value.
    static let quick = """
        flow: quick
        nodes:
          done: {succeed: {answer: 42}}
        """

    static let functions = """
        import os
        import time

        import ren

        @ren.function
        def numbers(count: int) -> list:
            "The first numbers."
            return list(range(count))

        @ren.function
        def half(n: int, ctx: ren.Context) -> float:
            ctx.log.info("halving", n=n)
            if n % 10 == 3:
                raise ValueError("=odd \\x1b[31m number {}".format(n))
            return n / 2

        @ren.function
        def held(marker: str, gate: str, n: int = 0) -> str:
            with open(marker, "a") as file:
                file.write("x")
            while not os.path.exists(gate):
                time.sleep(0.005)
            return "through"
        """

    /// Two of twenty items fail, which it tolerates.
    static let halves = """
        flow: halves
        input: {type: object, properties: {count: {type: integer, default: 20}}}
        nodes:
          numbers: {function: functions.numbers, with: {count: {var: input.count}}}
          halves:
            after: [numbers]
            each: {var: nodes.numbers.output}
            key: {cat: [n-, {var: item}]}
            function: functions.half
            with: {n: {var: item}}
            tolerate: 20%
        output: {var: nodes.halves.succeeded}
        """

    /// The same for other items, with a node more.
    static let otherHalves = """
        flow: halves
        input: {type: object, properties: {count: {type: integer, default: 20}}}
        nodes:
          numbers: {function: functions.numbers, with: {count: {var: input.count}}}
          halves:
            after: [numbers]
            each: {filter: [{var: nodes.numbers.output}, {">": [{var: ""}, 5]}]}
            key: {cat: [n-, {var: item}]}
            function: functions.half
            with: {n: {var: item}}
            tolerate: 20%
          enough: {after: [halves], condition: {">": [{var: input.count}, 2]}}
          again: {after: [numbers], function: functions.numbers, with: {count: 3}}
        output: {var: nodes.halves.succeeded}
        """

    /// A call that goes on until the file `gate` is there.
    static let held = """
        flow: held
        nodes:
          held: {function: functions.held, with: {marker: {var: input.marker}, gate: {var: input.gate}}}
          after: {after: [held], condition: {"==": [{var: nodes.held.output}, through]}}
        output: {var: nodes.held.output}
        """
}
