# `make help` lists the targets.

PREFIX  ?= /usr/local
DESTDIR ?=
# Length of each fuzz target's run, for `make fuzz`. Not ?=: some shells export a SECONDS of their own.
SECONDS  = 60
# Profile of the test build: `dev` has debug assertions and builds in half of the time of `release`.
PROFILE ?= dev
CARGO   ?= cargo

export PATH := $(PATH):$(HOME)/.cargo/bin

# .cargo/config.toml builds for an explicit target (for static linking), so output is one directory deeper.
TARGET   = target/$(shell PATH="$(PATH)" rustc --print host-tuple)
BINARY   = $(TARGET)/release/coracle
INSTALL  = install -D -m

.PHONY: help run build test lint install uninstall bench fuzz clean

help: ## This list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' Makefile
	@echo "  make install takes PREFIX=$(PREFIX) and DESTDIR=; make fuzz takes SECONDS=$(SECONDS)"

run: ## Install what is missing, build, and run a first container
	@scripts/packages.sh run
	$(CARGO) build --release --locked
	$(BINARY) run --rm hello

build: ## The release binary
	$(CARGO) build --release --locked

test: ## Install what the tests need and run them all, as an unprivileged user
	@scripts/packages.sh test
	@CARGO="$(CARGO)" PROFILE="$(PROFILE)" scripts/test.sh $(TESTS)

lint: ## Formatting, clippy with warnings as errors, and licences where cargo-deny is installed
	$(CARGO) fmt --check
	$(CARGO) clippy --locked --all-targets -- -D warnings
	@if command -v cargo-deny >/dev/null; then $(CARGO) deny --offline check licenses bans sources; \
	else echo "cargo-deny is not installed: licences and sources were not checked"; fi

install: ## Binary, man pages, completions and systemd units
	@test -x $(BINARY) || { echo "run \`make build\` first"; exit 1; }
	$(INSTALL) 755 $(BINARY) "$(DESTDIR)$(PREFIX)/bin/coracle"
	@for page in man/*.1; do test ! -e "$$page" || $(INSTALL) 644 "$$page" "$(DESTDIR)$(PREFIX)/share/man/man1/$${page##*/}"; done
	$(INSTALL) 644 completions/coracle.bash "$(DESTDIR)$(PREFIX)/share/bash-completion/completions/coracle"
	$(INSTALL) 644 completions/_coracle "$(DESTDIR)$(PREFIX)/share/zsh/site-functions/_coracle"
	$(INSTALL) 644 completions/coracle.fish "$(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d/coracle.fish"
	@for kind in user system; do for unit in contrib/systemd/$$kind/*; do test ! -e "$$unit" || \
		$(INSTALL) 644 "$$unit" "$(DESTDIR)$(PREFIX)/lib/systemd/$$kind/$${unit##*/}"; done; done

uninstall: ## Remove what `make install` put there
	rm -f "$(DESTDIR)$(PREFIX)/bin/coracle" \
		"$(DESTDIR)$(PREFIX)/share/bash-completion/completions/coracle" \
		"$(DESTDIR)$(PREFIX)/share/zsh/site-functions/_coracle" \
		"$(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d/coracle.fish"
	@for page in man/*.1; do rm -f "$(DESTDIR)$(PREFIX)/share/man/man1/$${page##*/}"; done
	@for kind in user system; do for unit in contrib/systemd/$$kind/*; do \
		rm -f "$(DESTDIR)$(PREFIX)/lib/systemd/$$kind/$${unit##*/}"; done; done

bench: ## One table of ratios against podman and crun, where ../shared/peers (or PEERS_SCRIPTS=) can build them
	@scripts/packages.sh bench
	$(CARGO) build --release --locked
	@bench/run.sh $(BINARY)

fuzz: ## Each fuzz target for SECONDS seconds
	@SECONDS_EACH=$(SECONDS) scripts/fuzz.sh

clean: ## Remove everything that was built
	$(CARGO) clean
