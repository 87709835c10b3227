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
        self.address, self.ended = None, False

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


def delete_after_delete(p):
    """`delete` undoes what a shim did not: a container that it has deleted is not looked for again."""
    def delete(name):
        path = os.path.abspath(name)
        subprocess.run([shim, '-namespace', ns, '-id', name, '-address', os.getcwd() + '/nobody', '-bundle', path, 'delete'],
                       cwd=path, check=True, capture_output=True)
    for name in ('deleted', 'left'):
        p.create(name, ['/guest.wasm'])
        assert os.path.exists(f'{name}/options.json')
    p.delete('deleted')
    assert not os.path.exists('deleted/options.json')
    groups = [top for top, _, _ in os.walk('/sys/fs/cgroup') if top.endswith(f'/{ns}/left')]
    assert groups
    other = groups[0].replace('/left', '/deleted')
    os.mkdir(other)  # whoever takes the name now
    delete('deleted')
    assert os.path.exists(other)
    os.rmdir(other)
    delete('left')
    assert not any(os.path.exists(g) for g in groups) and p.wait('left') == 137
    p.delete('left')


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


def socket_is_private(p):
    """With an umask of 0, the socket is still this user's; another user gets no answer, even if it can connect."""
    os.umask(0)
    p.create('private', ['/guest.wasm#spin'])
    path = p.address[len('unix://'):]
    mode = os.stat(path)
    assert (mode.st_mode & 0o777, mode.st_uid) == (0o600, 0), oct(mode.st_mode)
    os.chmod(path, 0o777)
    child = os.fork()
    if child == 0:
        os.setuid(65534)
        try:
            ttrpc.Client(path, 3).call('State', text(1, 'private'))
            os._exit(1)
        except (OSError, EOFError):
            os._exit(0)
    assert os.waitpid(child, 0)[1] == 0, 'another user was heard'
    assert p.state('private') == CREATED
    p.delete('private')
    p.end()
    # A file, or a link to somewhere else, in the socket's place.
    for make in (lambda: open(path, 'w').close(), lambda: os.symlink(os.getcwd() + '/elsewhere', path)):
        make()
        again = Pod()
        name = f'again{len(os.listdir("."))}'
        again.create(name, ['/guest.wasm'])
        assert again.address == p.address and not os.path.islink(path) and not os.path.exists('elsewhere')
        again.delete(name)
        again.end()
    p.ended = True


def streams_are_not_followed(p):
    """Links in the place of streams; FIFOs whose other side is nobody do not hold the shim up."""
    secret = os.path.abspath('secret')
    with open(secret, 'w') as f:
        f.write('secret')
    os.symlink(secret, 'link')
    os.mkfifo('dead')
    for field in (5, 6, 7):
        path = p.bundle(f'link{field}', ['/guest.wasm'])
        p.client.call('Create', text(1, f'link{field}') + text(2, path) + text(field, os.path.abspath('link')), 2)
    path = p.bundle('dead5', ['/guest.wasm'])
    dead = os.path.abspath('dead')
    p.client.call('Create', text(1, 'dead5') + text(2, path) + text(5, dead) + text(6, dead) + text(7, dead))
    p.start('dead5')
    assert p.wait('dead5') == 0
    p.delete('dead5')
    with open(secret) as f:
        assert f.read() == 'secret'


def output_that_nobody_reads(p):
    """It stays where it is: the shim answers, does not grow, and the container can be ended."""
    os.mkfifo('full')
    reader = os.open('full', os.O_RDONLY | os.O_NONBLOCK)
    os.mkfifo('in')
    path = p.bundle('full1', ['/guest.wasm#cat'])
    full = os.path.abspath('full')
    p.client.call('Create', text(1, 'full1') + text(2, path) + text(5, '/dev/zero') + text(6, full))
    pid = p.client.call('Connect', text(1, 'full1'))[1][0]
    before = resident(pid)
    p.start('full1')
    time.sleep(1)
    assert p.state('full1') == RUNNING
    assert resident(pid) < before + 1024, (before, resident(pid))
    p.kill('full1')
    assert p.wait('full1') == 137
    p.delete('full1')
    os.close(reader)


def resident(pid):
    with open(f'/proc/{pid}/status') as f:
        return next(int(line.split()[1]) for line in f if line.startswith('VmRSS'))


def linux(groups):
    return {'linux': {'namespaces': [{'type': t} for t in ('pid', 'mount', 'ipc', 'uts', 'network')], 'cgroupsPath': groups}}


def all_groups():
    return {d for d, _, _ in os.walk('/sys/fs/cgroup') if ns in d}


def paths_of_control_groups(p):
    """Paths that lead out of the hierarchy make nothing, there or elsewhere."""
    before = all_groups()
    for i, path in enumerate(('/../../' + ns, f'/{ns}/../../../{ns}x', f'/{ns}/./a/..', '/' + 'a' * 5000)):
        name = f'group{i}'
        bundle = p.bundle(name, ['/guest.wasm'], **linux(path))
        p.client.send('Create', text(1, name) + text(2, bundle))
        code = ttrpc.response(p.client.socket)[1]
        made = [d for d in ('/' + ns, f'/{ns}x', '/sys/' + ns, '/sys/fs/' + ns) if os.path.exists(d)]
        assert not made, made
        if code == ttrpc.OK:
            p.kill(name)
            p.wait(name)
            p.delete(name)
    left = all_groups() - before
    for d in sorted(left, reverse=True):
        os.rmdir(d)


def users(p):
    """Numbers that are none, or wrap to root's: an error, or that user, but never root."""
    for i, (uid, gid) in enumerate(((1 << 32, 0), (-1, 0), ((1 << 32) - 1, 5), ('0', 0), (1.5, 0), (0, 1 << 32), (1000, [0]))):
        name = f'user{i}'
        process = {'args': ['/guest.wasm#spin'], 'cwd': '/', 'env': [], 'user': {'uid': uid, 'gid': gid}}
        bundle = p.bundle(name, [], process=process)
        p.client.send('Create', text(1, name) + text(2, bundle))
        code, data = ttrpc.response(p.client.socket)[1:]
        if code != ttrpc.OK:
            continue
        pid = ttrpc.fields(data)[1][0]
        with open(f'/proc/{pid}/status') as f:
            status = f.read()
        p.kill(name)
        p.wait(name)
        p.delete(name)
        raise AssertionError(f'user {uid}:{gid} was taken: {status}')
    groups = list(range(100000, 200000))
    bundle = p.bundle('groups', [], process={'args': ['/guest.wasm'], 'cwd': '/', 'env': [],
                                            'user': {'uid': 7, 'gid': 7, 'additionalGids': groups}})
    p.client.call('Create', text(1, 'groups') + text(2, bundle), 2)


pod = Pod()
globals()[test](pod)
if not pod.ended:
    pod.end()
