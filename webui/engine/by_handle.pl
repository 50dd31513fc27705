# Works on what paths name in a volume by handle: other processes may exchange any part of a path for a symbolic link at
# any time, and nothing outside of the folder that was entered is to be read or changed then.
#
#   permit MODE OWNER RECURSIVE NAME    change mode and owner of NAME; either may be empty, RECURSIVE is yes or no
#   copy TARGET TELL <PATHS             copy what is no folder to the same paths below TARGET; TELL is bytes or files
#   remove TARGET <RECORDS              remove the same paths below TARGET
#
# It runs in the folder that paths start from. PATHS are lines; RECORDS are a type as find(1) has it, a slash and a path,
# NUL-ended. A handle is opened without following a link, one name at a time; what is done to it is done to
# /proc/self/fd/N, which the kernel takes for the very thing that was opened.

use strict;
use warnings;
no warnings 'recursion';
use Errno;
use Fcntl qw(O_NOFOLLOW O_DIRECTORY S_ISDIR S_ISLNK);

use constant {
    O_PATH  => 010000000,
    AT_ONCE => 200,
    MISSING => 71,
    LINK    => 72,
    FAILED  => 74,
};

$^F = 1 << 20;    # handles stay open in the tools that are run
$|  = 1;
my $failed = 0;

my %work = (permit => \&permit, copy => \&copy, remove => \&remove);
my $verb = shift @ARGV;
$work{$verb}->(@ARGV);
exit($failed ? FAILED : 0);

sub handle {
    my ($path, $flags) = @_;
    my $opened;
    return sysopen($opened, $path, O_NOFOLLOW | $flags) ? $opened : undef;
}

sub reached {
    my ($handle) = @_;
    return '/proc/self/fd/' . fileno $handle;
}

sub complain {
    my ($about) = @_;
    print STDERR "$about: $!\n";
    $failed = 1;
    return;
}

# The folder that a path leads to from another one, or undef if there is none; missing ones are created if asked.
sub folder {
    my ($from, $path, $create) = @_;
    for my $name (grep { $_ ne '' && $_ ne '.' } split m{/}, $path) {
        my $next = reached($from) . "/$name";
        mkdir $next, 0700 if $create;
        $from = handle($next, O_PATH | O_DIRECTORY) or return undef;
    }
    return $from;
}

sub permit {
    my ($mode, $owner, $recursive, $name) = @_;
    my $start = handle("./$name", O_PATH) or exit MISSING;
    my $type  = (stat $start)[2];
    exit LINK if S_ISLNK($type) && $mode ne '';
    my ($uid, $gid) = map { defined && length ? $_ : -1 } (split(/:/, $owner, -1))[0, 1];
    my @held;    # what waits for chmod(1), which alone knows modes in words
    my $apply = sub {
        system { 'chmod' } 'chmod', '--', $mode, map { reached($_) } @held;
        $failed = 1 if $?;
        @held   = ();
    };
    my $change = sub {
        my ($entry, $shown, $is_link) = @_;
        my $reached = reached($entry);
        # Owner first: changing it removes set-id bits.
        if ($owner ne '' && !chown $uid, $gid, $reached) { return complain($shown) }
        return if $mode eq '' || $is_link;
        if ($mode =~ /\A[0-7]+\z/) { chmod oct $mode, $reached or complain($shown) }
        else                       { push @held, $entry; $apply->() if @held >= AT_ONCE }
        return;
    };
    $change->($start, $name, S_ISLNK($type));
    walk($start, $change) if $recursive eq 'yes' && S_ISDIR($type);
    $apply->() if @held;
    return;
}

# Call back with a handle, the name and whether it is a link, for everything below a folder.
sub walk {
    my ($folder, $visit) = @_;
    opendir(my $listing, reached($folder) . '/.') or return complain('A folder');
    my @names = grep { $_ ne '.' && $_ ne '..' } readdir $listing;
    closedir $listing;
    for my $name (@names) {
        my $entry = handle(reached($folder) . "/$name", O_PATH);
        if (!$entry) {
            complain($name) unless $!{ENOENT};
            next;
        }
        my $type = (stat $entry)[2];
        $visit->($entry, $name, S_ISLNK($type));
        walk($entry, $visit) if S_ISDIR($type);
    }
    return;
}

# What is a folder or a link by now is left out. Names of one and the same file among the paths stay that.
sub copy {
    my ($to, $tell) = @_;
    my $source = handle('.', O_PATH | O_DIRECTORY);
    my $target = handle($to, O_PATH | O_DIRECTORY);
    return complain($to) if !$source || !$target;
    my $done = 0;
    my %copies;
    while (defined(my $path = <STDIN>)) {
        chomp $path;
        my ($above, $name) = $path =~ m{\A(.*)/([^/]+)\z}s or next;
        my $from = folder($source, $above) or next;
        my $entry = handle(reached($from) . "/$name", O_PATH) or next;
        my ($device, $inode, $type, $names, $size, $blocks) = (stat $entry)[0, 1, 2, 3, 7, 12];
        next if S_ISDIR($type) || S_ISLNK($type);
        my $into = folder($target, $above, 1) or return complain($path);
        my $copy = reached($into) . "/$name";
        my $known = $names > 1 && $copies{"$device:$inode"};
        if ($known) { link(reached($known->[0]) . "/$known->[1]", $copy) or complain($name) }
        else        { copy_one($entry, $copy, $tell eq 'bytes' ? $done : undef) }
        $copies{"$device:$inode"} = [$into, $name] if $names > 1;
        $done += $size < $blocks * 512 ? $size : $blocks * 512;
        print $tell eq 'bytes' ? "at $done\n" : "$path\n";
    }
    return;
}

# If $done is given, tells that many bytes and what has been written of this file, now and then.
sub copy_one {
    my ($entry, $to, $done) = @_;
    my @command = ('cp', '-aL', '--reflink=auto', '--remove-destination', '-T', '--', reached($entry), $to);
    my $child = fork;
    return complain('cp') if !defined $child;
    if (!$child) {
        open STDOUT, '>&', \*STDERR;
        exec { $command[0] } @command or exit 127;
    }
    until (waitpid($child, defined $done) == $child) {
        select undef, undef, undef, 0.05;
        open my $io, '<', "/proc/$child/io" or next;
        my %count = map { /\A(\w+): (\d+)/ ? ($1, $2) : () } <$io>;
        print 'at ', $done + ($count{wchar} || 0), "\n";
    }
    $failed = 1 if $?;
    return;
}

sub remove {
    my ($to) = @_;
    my $target = handle($to, O_PATH | O_DIRECTORY) or return complain($to);
    local $/ = "\0";
    while (defined(my $record = <STDIN>)) {
        my ($type, $above, $name) = $record =~ m{\A(.)(.*)/([^/]+)\0\z}s or next;
        my $into = folder($target, $above) or next;
        my $path = reached($into) . "/$name";
        next if $type eq 'd' ? rmdir $path : unlink $path;
        complain($name) unless $!{ENOENT} || $!{ENOTEMPTY} || $!{ENOTDIR} || $!{EISDIR};
    }
    return;
}
