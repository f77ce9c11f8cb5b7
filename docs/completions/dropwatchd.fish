# fish completion for dropwatchd.
complete -c dropwatchd -f
complete -c dropwatchd -n __fish_use_subcommand -a setup -d 'put in place what pip leaves away'
complete -c dropwatchd -l config -r -F -d configuration
complete -c dropwatchd -l database -r -F -d 'where to record'
complete -c dropwatchd -l source -x -a 'auto bpf net_dm none' -d 'of drop events'
complete -c dropwatchd -l check -d 'say what would be recorded, and end'
complete -c dropwatchd -l verify -d 'look for damage in the history, and end'
complete -c dropwatchd -l print-unit -d 'show the unit, and end'
complete -c dropwatchd -n '__fish_seen_subcommand_from setup' -l remove -d 'take it away again'
complete -c dropwatchd -l version -d 'show the version, and end'
complete -c dropwatchd -s h -l help -d 'show all options, and end'
