BPF := dropwatchd/sources/bpf/drops.bpf

bpf: $(BPF).o

$(BPF).o: $(BPF).c
	clang -O2 -g -Wall -Werror -target bpf -I/usr/include/$(shell uname -m)-linux-gnu -c $< -o $@
	llvm-strip -g $@
