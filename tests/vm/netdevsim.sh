#!/bin/sh -e
# Builds netdevsim.ko, which Debian's kernels leave out, from Debian's source of the same kernel.
# Runs as a hook of mmdebstrap: netdevsim.sh TREE KERNEL-SERIES
tree=$1 series=$2
release=$(basename "$tree"/lib/modules/*)
cd "$tree/tmp"
APT_CONFIG=$MMDEBSTRAP_APT_CONFIG apt-get download -qq "linux-source-$series"
dpkg-deb --fsys-tarfile linux-source-*.deb |
    tar -xO "./usr/src/linux-source-$series.tar.xz" |
    tar -xJ --strip-components=3 "linux-source-$series/drivers/net/netdevsim"
chroot "$tree" make -s -C "/lib/modules/$release/build" M=/tmp/netdevsim CONFIG_NETDEVSIM=m modules
install -D -m 644 netdevsim/netdevsim.ko "$tree/lib/modules/$release/extra/netdevsim.ko"
chroot "$tree" depmod "$release"
rm -rf netdevsim linux-source-*.deb
