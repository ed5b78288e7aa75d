# The commands for building and testing; people and CI run the same ones.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.ONESHELL:
.DEFAULT_GOAL := test
.PHONY: test test-corpus demo bench bench-archive bench-rules release deny fmt prerequisites

# A single build gains nothing from incremental compilation, which needs several gigabytes of disk.
ifdef CI
export CARGO_INCREMENTAL := 0
endif

BENCH_RECORDS ?= 600000
BENCH_ROUNDS ?= 5
ARCHIVED_EVENTS ?= 1000000
ARCHIVE_EVENTS ?= 20000000
CORPUS_PAIRS ?= 100000
CORPUS_SEED ?= 1

# `cargo test` does not include the targets kafka, deploy, archive, page and bench, so clippy gets them by name. All tests run,
# also after a failure; the last line counts them. Three Kafka tests run at the same time, because they mostly
# wait; each has its own pair of clusters, which needs about 4 GB of memory.
test: prerequisites
	@mkdir -p target
	log=target/test.log
	step() { echo "+ $$*"; "$$@"; }
	checks() {
		step cargo fmt --check
		step cargo clippy --lib --bins -- -D warnings
		step cargo clippy --all-targets --features archive -- -D warnings
		step cargo clippy --features archive --test kafka --test deploy --test archive --test page --bench bench -- -D warnings
	}
	tests() {
		local failed=0
		step cargo test --features archive --no-fail-fast || failed=1
		step cargo test --features archive --test deploy || failed=1
		step cargo test --features archive --test archive || failed=1
		step cargo test --features archive --test page -- --test-threads=2 || failed=1
		step cargo test --features archive --test kafka -- --test-threads=3 || failed=1
		return $$failed
	}
	status=0
	export -f step checks tests
	bash -euo pipefail -c 'checks; tests' 2>&1 | tee "$$log" || status=$$?
	awk '/^test result:/ { for (i = 2; i < NF; i++) {
	         if ($$(i + 1) == "passed;") passed += $$i
	         if ($$(i + 1) == "failed;") failed += $$i } }
	     END { printf "%d passed, %d failed\n", passed, failed; exit failed || !passed }' "$$log"
	exit "$$status"

# Loads the public Sigma rules below DIR, and compares decisions with those of rsigma and of pySigma's SQLite backend on
# random pairs of a rule and an event. Both engines are dependencies of this target alone.
test-corpus: prerequisites
	@test -d "$(DIR)" || { echo "usage: make test-corpus DIR=<a directory of Sigma rules>" >&2; exit 2; }
	command -v python3 >/dev/null || { echo "python3 is missing: apt-get install python3-venv" >&2; exit 1; }
	directory=$$(cd "$(DIR)" && pwd)
	work=$$PWD/target/corpus
	python=$$work/venv/bin/python
	mkdir -p "$$work"
	[ -x "$$python" ] || python3 -m venv "$$work/venv"
	"$$python" -m pip install --quiet --requirement tests/corpus/requirements.txt
	"$$python" tests/corpus/pairs.py "$$directory" $(CORPUS_PAIRS) $(CORPUS_SEED) > "$$work/pairs.ndjson"
	(cd benches/rules && cargo run --release --locked -- agree "$$directory" "$$work/pairs.ndjson" \
		../../tests/corpus/explained.tsv "$$work/decisions")
	"$$python" tests/corpus/sqlite.py "$$work/pairs.ndjson" "$$work/decisions"

demo:
	cargo run --release -- demo

bench: prerequisites
	cargo bench --bench bench -- $(BENCH_RECORDS) $(BENCH_ROUNDS)

# The archive: what a record costs in it, from Kafka to a folder, and questions to an archive of 90 days, which takes 7 GB.
bench-archive: prerequisites
	folder=$$(mktemp -d)
	trap 'rm -rf "$$folder"' EXIT
	run() { cargo bench --bench bench --features archive -- "$$@"; }
	run archive 200000
	run archived $(ARCHIVED_EVENTS)
	run tables "$$folder" $(ARCHIVE_EVENTS)
	run questions "$$folder"
	run page "$$folder"

# Many rules, beside rsigma; with DIR also the public Sigma rules below that directory. rsigma is a dependency of this
# target alone, so the bench is a workspace of its own.
bench-rules: prerequisites
	cd benches/rules
	cargo run --release --locked -- speed $(if $(DIR),"$(abspath $(DIR))")

# The binary without debug information, and beside it the debug information, for debuggers and backtraces.
release:
	@out=$${CARGO_TARGET_DIR:-target}
	cargo build --release --locked --features archive --bin watchbell
	mkdir -p "$$out/dist"
	objcopy --only-keep-debug "$$out/release/watchbell" "$$out/dist/watchbell.debug"
	objcopy --strip-debug --add-gnu-debuglink="$$out/dist/watchbell.debug" "$$out/release/watchbell" "$$out/dist/watchbell"
	ls -l "$$out/dist"

deny:
	@command -v cargo-deny >/dev/null || { echo "cargo-deny is missing: cargo install cargo-deny --locked" >&2; exit 1; }
	cargo deny check bans licenses sources

fmt:
	cargo fmt

# Installs missing prerequisites if it may (as root on Debian); otherwise lists all of them at once.
prerequisites:
	@look() {
		missing="" absent=0
		need cargo "Rust, https://rustup.rs" ""
		need cc "a C compiler, for librdkafka" gcc
		need c++ "a C++ compiler, for librdkafka" g++
		need cmake "builds librdkafka" cmake
		need perl "for the bundled OpenSSL" perl
		need java "a JVM, 17 or later, for the Kafka the tests start" openjdk-17-jre-headless
		need mvn "Maven, fetches Kafka and schemas for the tests" maven
		need keytool "makes certificates for the tests, part of the JVM" openjdk-17-jre-headless
		python3 -c "import venv, ensurepip" 2>/dev/null || need python3-venv "Python 3 with venv, for DuckDB and an S3 server" python3-venv
		need chromium "the browser in which the tests look at the page" chromium
		need chromedriver "drives the browser" chromium-driver
		need npm "fetches axe-core, which looks for what keeps people from the page" npm
		need kubectl "renders the manifests for the tests, https://kubernetes.io/docs/tasks/tools/" ""
		# If there is apt-get, the tests download Debian's package themselves and unpack it beside the build.
		command -v apt-get >/dev/null || need prometheus-alertmanager "Alertmanager, for the tests" prometheus-alertmanager
	}
	need() { command -v "$$1" >/dev/null || { echo "missing: $$1 ($$2)" >&2; missing="$$missing$${3:+ $$3}"; absent=1; }; }
	look
	if [ -n "$$missing" ] && [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
		apt-get update -qq && apt-get install -qq --yes --no-install-recommends $$missing
		look
	fi
	[ -z "$$missing" ] || echo "on Debian: apt-get install$$missing" >&2
	exit $$absent
