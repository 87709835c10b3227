#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""A shim without a containerd, as runwasi's tests have theirs: tests/shim/life.py SHIM ROOT NAMESPACE TEST.
The bundles are made in the working directory, from the programs in ROOT."""
import json
import os
import subprocess
import sys
import time

import ttrpc
from ttrpc import EXISTS, NOT_FOUND, PRECONDITION, number, text

shim, root, ns, test = sys.argv[1:]
CREATED, RUNNING, STOPPED = 1, 2, 3
KILL, INT = 9, 2


class Pod:
    """Containers with one annotation have one shim."""

    def __init__(self):
        self.address = None

    def bundle(self, name, args, **more):
        path = os.path.abspath(name)
        os.makedirs(path)
        spaces = [{'type': t} for t in ('pid', 'mount', 'ipc', 'uts', 'network')]
        config = {'ociVersion': '1.0.2', 'root': {'path': root},
                  'process': {'args': args, 'cwd': '/', 'env': ['PATH=/bin'], 'user': {'uid': 0, 'gid': 0}},
                  'mounts': [{'destination': '/proc', 'type': 'proc', 'source': 'proc'}],
                  'annotations': {'io.kubernetes.cri.sandbox-id': f'{ns}-{test}'},
                  'linux': {'namespaces': spaces, 'cgroupsPath': f'/{ns}/{name}'}, **more}
        with open(path + '/config.json', 'w') as f:
            json.dump(config, f)
        said = subprocess.run([shim, '-namespace', ns, '-id', name, '-address', os.getcwd() + '/nobody', 'start'],
                              cwd=path, check=True, capture_output=True, text=True).stdout.strip()
        assert self.address in (None, said), 'the containers of a pod have one shim'
        self.address = said
        self.client = ttrpc.Client(said[len('unix://'):])
        return path

    def create(self, name, args, want=ttrpc.OK, options=b'', **more):
        path = self.bundle(name, args, **more)
        out = text(6, f'{path}/out') + text(7, f'{path}/err')
        return self.client.call('Create', text(1, name) + text(2, path) + out + options, want)

    def state(self, name):
        return self.client.call('State', text(1, name))[4][0]

    def start(self, name):
        self.client.call('Start', text(1, name))

    def wait(self, name):
        return self.client.call('Wait', text(1, name)).get(1, [0])[0]

    def kill(self, name, signal=KILL, want=ttrpc.OK):
        self.client.call('Kill', text(1, name) + number(3, signal), want)

    def delete(self, name):
        self.client.call('Delete', text(1, name))

    def output(self, name):
        with open(f'{name}/out') as f:
            return f.read()

    def end(self):
        try:
            self.client.call('Shutdown')
        except (OSError, EOFError):
            pass
        for _ in range(100):
            if not os.path.exists(self.address[len('unix://'):]):
                return
            time.sleep(0.05)
        raise AssertionError('the shim does not end')


def delete_after_create(p):
    p.create('early', ['/guest.wasm'])
    assert p.state('early') == CREATED
    p.delete('early')
    p.client.call('State', text(1, 'early'), NOT_FOUND)


def create_says_what_can_not_run(p):
    p.create('none', ['/etc/nothing'], want=2)
    p.client.call('State', text(1, 'none'), NOT_FOUND)


def task_lifecycle(p):
    p.bundle('other', ['/guest.wasm'])
    for method in ('State', 'Start', 'Wait', 'Delete', 'Stats'):
        p.client.call(method, text(1, 'life'), NOT_FOUND)
    p.create('life', ['/guest.wasm'])
    p.client.call('Create', text(1, 'life') + text(2, os.path.abspath('life')), EXISTS)
    p.start('life')
    assert p.wait('life') == 0 and p.wait('life') == 0
    assert p.state('life') == STOPPED and p.output('life') == 'hello world\n'
    p.client.call('Start', text(1, 'life'), PRECONDITION)
    p.kill('life', want=NOT_FOUND)
    p.delete('life')
    p.client.call('Delete', text(1, 'life'), NOT_FOUND)


def cri_task(p):
    """A pod's first container and another: stats, waiting, and the end of one is not that of the other."""
    p.create('pause', ['/bin/native', 'sleep'])
    p.create('wasm', ['/guest.wasm#spin'])
    assert (p.state('pause'), p.state('wasm')) == (CREATED, CREATED)
    p.start('pause')
    p.start('wasm')
    assert (p.state('pause'), p.state('wasm')) == (RUNNING, RUNNING)
    assert p.client.call('Stats', text(1, 'wasm'))[1][0]
    p.client.call('Delete', text(1, 'wasm'), PRECONDITION)
    waiting = ttrpc.Client(p.address[len('unix://'):])
    waiting.send('Wait', text(1, 'wasm'))
    p.kill('wasm')
    _, code, data = ttrpc.response(waiting.socket)
    assert code == 0 and ttrpc.fields(data)[1] == [137]
    assert (p.state('pause'), p.state('wasm')) == (RUNNING, STOPPED)
    p.delete('wasm')
    p.client.call('State', text(1, 'wasm'), NOT_FOUND)
    assert p.state('pause') == RUNNING
    p.kill('pause')
    assert p.wait('pause') == 137
    p.delete('pause')


def handling_signals(p):
    """Twenty containers in one shim: a signal to one ends that one."""
    names = [f'signal{i}' for i in range(20)]
    for n in names:
        p.create(n, ['/guest.wasm#spin'])
    for n in names:
        p.start(n)
    for i, n in enumerate(names):
        p.kill(n, INT)
        begun = time.time()
        assert p.wait(n) == 130 and time.time() < begun + 5
        assert [p.state(m) for m in names] == [STOPPED] * (i + 1) + [RUNNING] * (19 - i)
    for n in names:
        p.delete(n)


def systemd_cgroup(p):
    """SystemdCgroup = true of the runtime's options in containerd's configuration gets to the runtime: without
    systemd, as where these tests run, or with a path that is not systemd's, that is its error."""
    toml = text(3, '# options\nSystemdCgroup = true\n')
    any_options = text(10, text(1, 'runtimeoptions.v1.Options') + text(2, toml))
    p.create('systemd', ['/guest.wasm'], want=2, options=any_options)
    with open('systemd/options.json') as f:
        assert json.load(f)['systemd_cgroup'] is True


pod = Pod()
globals()[test](pod)
pod.end()
