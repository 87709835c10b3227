#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""An image with a layer of files: tests/shim/image.py [--arch ARCH] [--os OS] [--entry WORD]... [--label K=V]...
[--env K=V]... [--user USER] [--link NAME=TARGET]... NAME:TAG OUT.tar [FILE[=PATH-IN-ROOT]]..."""
import argparse
import hashlib
import io
import json
import os
import tarfile

p = argparse.ArgumentParser()
p.add_argument('--arch', default='amd64')
p.add_argument('--os', default='linux')
p.add_argument('--user', default='')
for many in ('entry', 'label', 'env', 'link', 'dir'):
    p.add_argument('--' + many, action='append', default=[])
p.add_argument('name')
p.add_argument('out')
p.add_argument('files', nargs='*')
a = p.parse_args()


def member(tar, name, kind=tarfile.REGTYPE, data=b'', mode=0o755, link=''):
    t = tarfile.TarInfo(name.lstrip('/'))
    t.type, t.size, t.mode, t.linkname = kind, len(data), mode, link
    tar.addfile(t, io.BytesIO(data))


def layer():
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode='w') as tar:
        for d in a.dir:
            member(tar, d, tarfile.DIRTYPE)
        for link in a.link:
            name, target = link.split('=', 1)
            member(tar, name, tarfile.SYMTYPE, link=target)
        for f in a.files:
            path, _, name = f.partition('=')
            with open(path, 'rb') as file:
                member(tar, name or os.path.basename(path), data=file.read())
    return out.getvalue()


blobs = {}


def blob(data, media):
    digest = hashlib.sha256(data).hexdigest()
    blobs[digest] = data
    return {'mediaType': media, 'digest': 'sha256:' + digest, 'size': len(data)}


MEDIA = 'application/vnd.oci.image.'
files = blob(layer(), MEDIA + 'layer.v1.tar')
config = {'architecture': a.arch, 'os': a.os,
          'config': {'Entrypoint': a.entry, 'Env': a.env, 'Labels': dict(l.split('=', 1) for l in a.label), 'User': a.user},
          'rootfs': {'type': 'layers', 'diff_ids': [files['digest']]}}
manifest = {'schemaVersion': 2, 'mediaType': MEDIA + 'manifest.v1+json', 'layers': [files],
            'config': blob(json.dumps(config).encode(), MEDIA + 'config.v1+json')}
entry = blob(json.dumps(manifest).encode(), manifest['mediaType'])
entry['platform'] = {'architecture': a.arch, 'os': a.os}
entry['annotations'] = {'io.containerd.image.name': a.name, 'org.opencontainers.image.ref.name': a.name.rsplit(':', 1)[1]}
index = {'schemaVersion': 2, 'mediaType': MEDIA + 'index.v1+json', 'manifests': [entry]}
with tarfile.open(a.out, 'w') as tar:
    member(tar, 'oci-layout', data=b'{"imageLayoutVersion":"1.0.0"}', mode=0o644)
    member(tar, 'index.json', data=json.dumps(index).encode(), mode=0o644)
    for digest, data in blobs.items():
        member(tar, 'blobs/sha256/' + digest, data=data, mode=0o644)
