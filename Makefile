# Everything a checkout can do; `make` alone lists it.
PYTHON  ?= python3
PREFIX  ?= /usr/local
SYSCONF ?= /etc
LIB      = $(PREFIX)/lib/dropwatchd
UNITS    = $(PREFIX)/lib/systemd/system
MAN      = $(PREFIX)/share/man
BASH     = $(PREFIX)/share/bash-completion/completions
ZSH      = $(PREFIX)/share/zsh/site-functions
FISH     = $(PREFIX)/share/fish/vendor_completions.d
PROGRAMS = dropwatchd dropwatchd-upload dwreport
VENV    := .venv
PIP     := $(VENV)/bin/pip --quiet --disable-pip-version-check
PINS    := $(VENV)/bin/uv pip compile --quiet --upgrade --generate-hashes --no-annotate --python-version 3.11 \
	--python-platform linux --custom-compile-command 'make pins' pyproject.toml
BPF     := dropwatchd/sources/bpf/drops.bpf \
	$(addprefix dropwatchd/kernel/, captures.bpf xdp_errors.bpf retransmits.bpf traps.bpf)

.PHONY: help run test test-lowest test-newest pins mutate torture bench compare gallery fleet bpf dist deb nfpm sbom packages install uninstall clean

help:
	@echo "make run        record into the default database, in the foreground, until Ctrl-C"
	@echo "make test       run all tests, with the linters among them"
	@echo "make test-lowest, make test-newest   run the host's tests with the lowest versions of what it needs, and the newest"
	@echo "make pins       pin the newest versions, with their hashes, in constraints.txt and tests/constraints.txt"
	@echo "make mutate     make faults in copies of the code, one by one, and see whether the tests notice (root)"
	@echo "make torture    hours of kills, failing disks, wrong clocks, damaged histories and power cuts (root)"
	@echo "make bench      measure exactness, cost and speed on this machine"
	@echo "make compare    the same drops seen by dwdump, dropwatch, bpftrace, perf and dropwatchd, in a guest"
	@echo "make gallery    provoke drops one cause at a time, here and in guests, and print the score (root)"
	@echo "make fleet      ten hosts' histories in a PostgreSQL of their own, and the reports on them"
	@echo "make bpf        rebuild the BPF programs (clang, llvm, libbpf-dev)"
	@echo "make dist       build the wheel"
	@echo "make deb        build the package of Debian 13 into dist/, in a root of its own (root)"
	@echo "make nfpm       build deb and rpm with the environment inside into dist/, for hosts with Python 3.11 and 3.12"
	@echo "make sbom       list what is inside, with versions and hashes, in dist/dropwatchd.cdx.json (CycloneDX)"
	@echo "make packages   build, install, run, upgrade and remove each kind of package, in roots of Debian (root)"
	@echo "make install    install into PREFIX ($(PREFIX)), with the systemd unit; DESTDIR is honoured"
	@echo "make uninstall  remove what install put in place; the history and the configuration stay"
	@echo "make clean      remove what the other targets made here"

run: $(VENV)/.run
	@exec $(VENV)/bin/dropwatchd $(ARGS)

test: $(VENV)/.test
	$(VENV)/bin/python -m pytest -n 2 --dist loadscope --durations 30 --durations-min 10 $(ARGS)

test-lowest test-newest: test-%: $(VENV)/.test
	$(VENV)/bin/python -m tests.versions $* $(ARGS)

# One set for all: what the programs need; and with it, in the same versions, what the tests need.
pins: $(VENV)/.test
	$(PINS) --output-file constraints.txt
	$(PINS) --extra dev --constraint constraints.txt --output-file tests/constraints.txt

mutate: $(VENV)/.test
	$(VENV)/bin/python -m tests.mutation $(ARGS)

torture: $(VENV)/.test
	TORTURE=long $(VENV)/bin/python -m pytest tests/torture tests/kernel/test_restart.py tests/vm/test_power.py \
		tests/vm/test_service.py --timeout 0 $(ARGS)

bench: $(VENV)/.test
	$(VENV)/bin/python -m tests.bench $(ARGS)

compare: $(VENV)/.test
	$(VENV)/bin/python -m tests.bench.side_by_side $(ARGS)

gallery: $(VENV)/.test
	$(VENV)/bin/python -m tests.gallery $(ARGS)

fleet: $(VENV)/.test
	$(VENV)/bin/python -m tests.fleet $(ARGS)

bpf: $(BPF:=.o)

$(BPF:=.o): %.o: %.c
	clang -O2 -g -Wall -Werror -target bpf -I/usr/include/$(shell uname -m)-linux-gnu -c $< -o $@
	llvm-strip -g $@

deb nfpm: $(VENV)/.test
	$(VENV)/bin/python -m tests.packages $@

# Hours are not needed, but minutes: roots of Debian are made, and packages built in them, some of them twice.
packages: $(VENV)/.test
	$(VENV)/bin/python -m pytest -n0 -v -o python_files='check_*.py' tests/packages --timeout 1800 $(ARGS)

dist: $(VENV)/.test
	$(VENV)/bin/python -m build --wheel

# What is inside, in the versions that are pinned: CycloneDX.
sbom: $(VENV)/.test
	mkdir -p dist
	sed -n '/^psycopg==/,/[^\\]$$/p' tests/constraints.txt | cat constraints.txt - | \
	$(VENV)/bin/uvx --quiet --from cyclonedx-bom==7.5.0 cyclonedx-py requirements --pyproject pyproject.toml --output-reproducible \
		--output-file dist/dropwatchd.cdx.json -

$(VENV)/.venv:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed; set PYTHON=..."; exit 1; }
	@$(PYTHON) -m venv $(VENV) || { echo "python3-venv is needed: apt install python3-venv"; exit 1; }
	@touch $@

$(VENV)/.run: $(VENV)/.venv pyproject.toml constraints.txt
	@echo "Setting up $(VENV) ..."
	@$(PIP) install --require-hashes --requirement constraints.txt
	@$(PIP) install --no-deps --editable .
	@touch $@

$(VENV)/.test: $(VENV)/.run tests/constraints.txt
	@echo "Installing what the tests need ..."
	@$(PIP) install --require-hashes --requirement tests/constraints.txt
	@touch $@

# A virtual environment names its own folder in its scripts: it is made below DESTDIR and then told its final place.
install:
	$(PYTHON) -m venv --clear $(DESTDIR)$(LIB)
	$(DESTDIR)$(LIB)/bin/pip --quiet --disable-pip-version-check install --require-hashes --requirement constraints.txt
	$(DESTDIR)$(LIB)/bin/pip --quiet --disable-pip-version-check install --no-deps .
	grep -rlI --exclude-dir=site-packages '$(DESTDIR)$(LIB)' $(DESTDIR)$(LIB) | xargs -r sed -i 's|$(DESTDIR)$(LIB)|$(LIB)|g'
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(UNITS) $(DESTDIR)$(PREFIX)/lib/sysusers.d $(DESTDIR)$(SYSCONF)/dropwatchd
	ln -sf $(addprefix $(LIB)/bin/, $(PROGRAMS)) $(DESTDIR)$(PREFIX)/bin/
	sed 's|/usr/bin/dropwatchd|$(PREFIX)/bin/dropwatchd|' systemd/dropwatchd.service > $(DESTDIR)$(UNITS)/dropwatchd.service
	sed 's|/usr/bin/dropwatchd-upload|$(PREFIX)/bin/dropwatchd-upload|' systemd/dropwatchd-upload.service > $(DESTDIR)$(UNITS)/dropwatchd-upload.service
	install -m 644 systemd/sysusers.conf $(DESTDIR)$(PREFIX)/lib/sysusers.d/dropwatchd.conf
	install -D -m 644 -t $(DESTDIR)$(PREFIX)/share/dropwatchd systemd/net_dm.conf systemd/evidence.conf
	install -D -m 644 -t $(DESTDIR)$(MAN)/man1 docs/man/dwreport.1
	install -D -m 644 -t $(DESTDIR)$(MAN)/man5 docs/man/dropwatchd.toml.5 docs/man/dropwatch-history.5
	install -D -m 644 -t $(DESTDIR)$(MAN)/man8 docs/man/dropwatchd.8 docs/man/dropwatchd-upload.8
	install -D -m 644 -t $(DESTDIR)$(BASH) $(addprefix docs/completions/, $(PROGRAMS))
	install -D -m 644 -t $(DESTDIR)$(ZSH) docs/completions/_dwreport docs/completions/_dropwatchd
	install -D -m 644 -t $(DESTDIR)$(FISH) $(PROGRAMS:%=docs/completions/%.fish)
	test -e $(DESTDIR)$(SYSCONF)/dropwatchd/config.toml || install -m 644 systemd/config.toml $(DESTDIR)$(SYSCONF)/dropwatchd/config.toml
	@echo "Installed. Next: systemd-sysusers; systemctl daemon-reload; systemctl enable --now dropwatchd"

uninstall:
	rm -rf $(DESTDIR)$(LIB) $(DESTDIR)$(PREFIX)/share/dropwatchd
	rm -f $(addprefix $(DESTDIR)$(PREFIX)/bin/, $(PROGRAMS))
	rm -f $(DESTDIR)$(UNITS)/dropwatchd.service $(DESTDIR)$(UNITS)/dropwatchd-upload.service $(DESTDIR)$(PREFIX)/lib/sysusers.d/dropwatchd.conf
	rm -f $(DESTDIR)$(MAN)/man1/dwreport.1 $(DESTDIR)$(MAN)/man8/dropwatchd.8 $(DESTDIR)$(MAN)/man8/dropwatchd-upload.8
	rm -f $(DESTDIR)$(MAN)/man5/dropwatchd.toml.5 $(DESTDIR)$(MAN)/man5/dropwatch-history.5
	rm -f $(addprefix $(DESTDIR)$(BASH)/, $(PROGRAMS)) $(PROGRAMS:%=$(DESTDIR)$(FISH)/%.fish)
	rm -f $(DESTDIR)$(ZSH)/_dwreport $(DESTDIR)$(ZSH)/_dropwatchd

clean:
	rm -rf $(VENV) dist build .mypy_cache .pytest_cache .ruff_cache .hypothesis
