# fish completion for dropwatchd-upload.
complete -c dropwatchd-upload -f
complete -c dropwatchd-upload -l to -x -d 'the central history: postgresql://SERVER/DATABASE'
complete -c dropwatchd-upload -l database -r -F -d 'the history to send'
complete -c dropwatchd-upload -l interval -x -d 'seconds between two sendings'
complete -c dropwatchd-upload -l packets -d 'send sampled packets as well'
complete -c dropwatchd-upload -l once -d 'send what there is, and end'
complete -c dropwatchd-upload -l setup -d 'make the central history, and end'
complete -c dropwatchd-upload -l setup-coordinator -d 'make a database that asks several central histories, and end'
complete -c dropwatchd-upload -l tidy -x -d 'remove what is older than so many days, and end'
complete -c dropwatchd-upload -l version -d 'show the version, and end'
complete -c dropwatchd-upload -s h -l help -d 'show all options, and end'
