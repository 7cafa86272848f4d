# Everything that is done with this repository, each by one name.

.PHONY: help setup build demo test vm bench soak fuzz catalogue clean

help:
	@echo 'make demo    prove an agent container open, fix it, prove it closed (no Docker, no root)'
	@echo 'make test    everything that has to hold (root: it changes ids, mounts, starts an engine)'
	@echo 'make build   the static binary: target/dropcap'
	@echo 'make vm      the same on other kernels, in guests: differential test, doors, run'
	@echo 'make bench   the speeds that are promised, beside what they are compared with'
	@echo 'make soak    the long runs: a million cases against the running kernel, and more bad input'
	@echo 'make fuzz    the readers with arbitrary input, for FUZZ_SECONDS each (60)'
	@echo 'make catalogue  what real programs need, each run and learnt again (Debian, root)'
	@echo 'make setup   install what these need (apt, as root); says what it installs'

setup:
	@scripts/setup

build:
	@scripts/build

demo:
	@scripts/demo

test:
	@scripts/test

vm:
	@scripts/vm

bench:
	@scripts/bench

soak:
	@scripts/soak

fuzz:
	@scripts/fuzz

catalogue:
	@catalogue/run

clean:
	cargo clean
