# The commands of the house; people and CI run the same ones.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.ONESHELL:
.DEFAULT_GOAL := test
.PHONY: test demo bench release deny fmt prerequisites

BENCH_RECORDS ?= 600000
BENCH_ROUNDS ?= 5

# The kafka and deploy tests and the benchmark are no part of `cargo test`, so the lints have to name them.
# Every test runs, also after a failure; the last line counts them all. Tests of Kafka mostly wait: three at a
# time, each with a pair of clusters of its own, need some 4 GB of memory.
test: prerequisites
	@mkdir -p target
	log=target/test.log
	step() { echo "+ $$*"; "$$@"; }
	checks() {
		step cargo fmt --check
		step cargo clippy --all-targets -- -D warnings
		step cargo clippy --test kafka --test deploy --bench bench -- -D warnings
	}
	tests() {
		local failed=0
		step cargo test --no-fail-fast || failed=1
		step cargo test --test deploy || failed=1
		step cargo test --test kafka -- --test-threads=3 || failed=1
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

demo:
	cargo run --release -- demo

bench: prerequisites
	cargo bench --bench bench -- $(BENCH_RECORDS) $(BENCH_ROUNDS)

# The binary without debug information, and beside it what debuggers and backtraces read to know its lines.
release:
	@out=$${CARGO_TARGET_DIR:-target}
	cargo build --release --locked --bin watchbell
	mkdir -p "$$out/dist"
	objcopy --only-keep-debug "$$out/release/watchbell" "$$out/dist/watchbell.debug"
	objcopy --strip-debug --add-gnu-debuglink="$$out/dist/watchbell.debug" "$$out/release/watchbell" "$$out/dist/watchbell"
	ls -l "$$out/dist"

deny:
	@command -v cargo-deny >/dev/null || { echo "cargo-deny is missing: cargo install cargo-deny --locked" >&2; exit 1; }
	cargo deny check bans licenses sources

fmt:
	cargo fmt

# Installs what is missing where it may (as root on Debian), else names all of it at once.
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
		need kubectl "renders the manifests for the tests, https://kubernetes.io/docs/tasks/tools/" ""
		# Where there is apt-get, the tests unpack Debian's package beside the build.
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
