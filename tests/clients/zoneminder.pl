# Runs a control module of ZoneMinder as its zmcontrol.pl does: a command and its parameters a line, such as
# `presetGoto preset=3`; answers each with a line `done`, after what the module logged as an error. Only database, logger and
# configuration are ours, and tell a module what a monitor's settings would.
use strict;
use warnings;

my ($protocol, $address, $device, $autostop) = @ARGV;

package ZoneMinder::Logger;
use Exporter 'import';
our %EXPORT_TAGS = (all => [qw(Debug Info Warning Error Fatal Panic logDebugging)]);
our @EXPORT_OK = @{ $EXPORT_TAGS{all} };
our $logger;
sub Debug { }
sub Info { }
sub Warning { print "warning: @_\n" }
sub Error { print "error: @_\n" }
sub Fatal { die "fatal: @_\n" }
sub Panic { die "panic: @_\n" }
sub logDebugging { 0 }

package ZoneMinder::Config;
use Exporter 'import';
our %EXPORT_TAGS = (all => []);

package ZoneMinder::Database;
use Exporter 'import';
our %EXPORT_TAGS = (all => []);
our $dbh;

package ZoneMinder::Monitor;
sub find_one { return { ControlAddress => $address, ControlDevice => $device, AutoStopTimeout => $autostop } }

package main;

$INC{"ZoneMinder/$_.pm"} = __FILE__ for qw(Logger Config Database Monitor);
require ZoneMinder::Base;
require "ZoneMinder/Control/$protocol.pm";
$| = 1;
my $control = bless { MonitorId => 1, Protocol => $protocol }, "ZoneMinder::Control::$protocol";
$control->open();
while (my $line = <STDIN>) {
    my ($command, @parameters) = split ' ', $line;
    $control->$command({ map { split /=/ } @parameters });
    print "\ndone\n";
}
