#!/bin/sh
# Installs into an empty folder and builds every example against that, static and shared, as a
# user would; then uninstalls and looks whether anything stayed.
cd "$(dirname "$0")/.." || exit 2
: "${MAKE:=make}" "${CC:=cc}"
passed=0 failed=0
root=$(mktemp -d) && trap 'rm -rf "$root"' EXIT

verdict() { # STATUS WHAT
    if [ "$1" -eq 0 ]; then
        passed=$((passed + 1))
    else
        echo "failed: $2"
        failed=$((failed + 1))
    fi
}

"$MAKE" -s install DESTDIR="$root" PREFIX=/usr/local
verdict $? "make install"
export PKG_CONFIG_SYSROOT_DIR="$root" PKG_CONFIG_PATH="$root/usr/local/lib/pkgconfig"
for source in examples/*.c; do
    [ -e "$source" ] || continue
    # shellcheck disable=SC2046 # flags
    "$CC" "$source" -o "$root/a.out" $(pkg-config --cflags --libs --static tinydnn)
    verdict $? "$source"
    # shellcheck disable=SC2046
    "$CC" "$source" -o "$root/a.out" -Wl,-Bstatic $(pkg-config --cflags --libs tinydnn) \
        -Wl,-Bdynamic $(pkg-config --libs-only-l --static tinydnn | sed 's/-ltinydnn//')
    verdict $? "$source, static library"
done
[ "$(cd "$root/usr/local/lib" && readlink -f libtinydnn.so)" = \
    "$(ls "$root"/usr/local/lib/libtinydnn.so.*.*.*)" ]
verdict $? "the links of the shared library"
"$MAKE" -s uninstall DESTDIR="$root" PREFIX=/usr/local
rm -f "$root/a.out"
[ -z "$(find "$root" -type f -o -type l)" ]
verdict $? "make uninstall"
echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
