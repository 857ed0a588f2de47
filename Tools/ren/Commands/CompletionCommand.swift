import ArgumentParser

struct CompletionCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "completion", abstract: "Print the completion script of a shell.",
        discussion: """
            bash: ren completion bash > ~/.local/share/bash-completion/completions/ren
            zsh:  ren completion zsh > ~/.zfunc/_ren   (with fpath+=(~/.zfunc) before compinit)
            fish: ren completion fish > ~/.config/fish/completions/ren.fish
            """)

    enum Shell: String, ExpressibleByArgument, CaseIterable {
        case bash, zsh, fish

        var dialect: CompletionShell {
            switch self {
            case .bash: .bash
            case .zsh: .zsh
            case .fish: .fish
            }
        }
    }

    @Argument(help: "bash, zsh or fish.")
    var shell: Shell

    func run() {
        Terminal.print(RenTool.completionScript(for: shell.dialect))
    }
}
