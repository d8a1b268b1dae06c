#!/bin/sh
# Copies programs into the folder TO, with the libraries that the base image does not have and what scanners of
# vulnerabilities and licences look for: `collect-programs.sh TO BEFORE FILE...`, where BEFORE lists the files that were
# there before the packages were installed.
set -eu
to=$1 before=$2
shift 2
files=$(mktemp)
for file; do
  printf '%s\n' "$file"
  case $(readlink -f "$file") in
    *.so* | */bin/* | */git-core/*) ldd "$(readlink -f "$file")" 2>/dev/null | grep -o '/[^ ]*' || true ;;
  esac
done | while read -r file; do
  # A path without links in its folders, and what each link on the way to the file leads to.
  while :; do
    file=$(readlink -f "$(dirname "$file")")/$(basename "$file")
    printf '%s\n' "$file"
    [ -L "$file" ] || break
    target=$(readlink "$file")
    case $target in
      /*) file=$target ;;
      *) file=$(dirname "$file")/$target ;;
    esac
  done
done | sort -u | grep -vxFf "$before" >"$files"

mkdir -p "$to/var/lib/dpkg/status.d"
while read -r file; do
  cp -a --parents "$file" "$to"
  dpkg -S "$file" 2>/dev/null || dpkg -S "${file#/usr}" 2>/dev/null || true
done <"$files" | sed 's/: .*//' | tr ',' '\n' | tr -d ' ' | sort -u | while read -r package; do
  # As images without a package manager have it: https://github.com/GoogleContainerTools/distroless
  dpkg-query -s "$package" >"$to/var/lib/dpkg/status.d/${package%%:*}"
  cp -a --parents "/usr/share/doc/${package%%:*}/copyright" "$to"
done
rm "$files"
