/* A guest that paints, started through its PVH note: sets 1024x768 by the Bochs display interface, paints four quarters (red,
 * green, blue, white), then does what single keys of its keyboard say, in scan code set 1 or 2:
 *   q  the upper left quarter is yellow from now on
 *   s  scroll: all lines go up by eight, again and again, and a new colour comes in from below; any key ends it
 *   m  640x480, painted anew
 *   x  sizes that make no sense, one after the other, then 640x480
 * It writes "painted" to ttyS0 after each. The Makefile's GUEST_LDFLAGS place it. */
	.section .note.pvh, "a", @note
	.long 4, 4, 18 /* XEN_ELFNOTE_PHYS32_ENTRY */
	.asciz "Xen"
	.long start

	.set FB, 0xe0000000
	.set DISPI_XRES, 1
	.set DISPI_YRES, 2
	.set DISPI_BPP, 3
	.set DISPI_ENABLE, 4

	.text
	.code32
	.globl start
start:
	mov $stack, %esp
	cld
	call find
	mov $0xae, %al /* the keyboard's line, and the keyboard itself */
	out %al, $0x64
	mov $0xf4, %al
	out %al, $0x60
	mov $0x67, %al /* registers at 3dx */
	mov $0x3c2, %dx
	out %al, %dx
	mov $0x3da, %dx
	in %dx, %al
	mov $0x20, %al /* the attribute controller shows */
	mov $0x3c0, %dx
	out %al, %dx
	mov $1024, %ecx
	mov $768, %edx
	call mode
again:	call quarters
told:	mov $painted, %esi
	call say
next:	in $0x64, %al
	test $1, %al
	jz next
	in $0x60, %al
	cmp $0x10, %al
	je yellow
	cmp $0x15, %al
	je yellow
	cmp $0x1f, %al
	je scroll
	cmp $0x1b, %al
	je scroll
	cmp $0x32, %al
	je small
	cmp $0x3a, %al
	je small
	cmp $0x2d, %al
	je senseless
	cmp $0x22, %al
	je senseless
	jmp next

yellow:	movl $0xffff00, colours
	jmp again

small:	mov $640, %ecx
	mov $480, %edx
	call mode
	jmp again

senseless:
	mov $sizes, %esi
1:	lodsl
	mov %eax, %ecx
	lodsl
	mov %eax, %edx
	test %ecx, %ecx
	js small
	push %esi
	call mode
	pop %esi
	jmp 1b

/* Every line goes up by eight. */
scroll:	mov $FB, %edi
	mov width, %eax
	shl $5, %eax /* eight lines, four bytes a pixel */
	lea FB(%eax), %esi
	mov width, %ecx
	mov height, %eax
	sub $8, %eax
	imul %eax, %ecx
	rep movsl
	mov colour, %eax
	add $0x102030, %eax
	and $0xffffff, %eax
	mov %eax, colour
	mov width, %ecx
	shl $3, %ecx
	rep stosl
	in $0x64, %al
	test $1, %al
	jz scroll
	in $0x60, %al
	cmp $0x9f, %al /* s goes up again */
	je scroll
	cmp $0xf0, %al
	je scroll
	cmp $0x1b, %al
	je scroll
	jmp told

/* The mode ECX x EDX of 32 bits. */
mode:	mov %ecx, width
	mov %edx, height
	mov $DISPI_ENABLE, %eax
	xor %ebx, %ebx
	call dispi
	mov $DISPI_XRES, %eax
	mov width, %ebx
	call dispi
	mov $DISPI_YRES, %eax
	mov height, %ebx
	call dispi
	mov $DISPI_BPP, %eax
	mov $32, %ebx
	call dispi
	mov $DISPI_ENABLE, %eax
	mov $0x41, %ebx
dispi:	mov $0x1ce, %dx
	out %ax, %dx
	inc %dx
	mov %ebx, %eax
	out %ax, %dx
	ret

quarters:
	mov $FB, %edi
	mov $colours, %esi
	mov height, %ebp
	shr $1, %ebp
	mov %ebp, %edx
	call half
	add $8, %esi
	mov %ebp, %edx
/* EDX lines of the two colours at ESI. */
half:	mov width, %ebx
	shr $1, %ebx
2:	mov %ebx, %ecx
	mov (%esi), %eax
	rep stosl
	mov %ebx, %ecx
	mov 4(%esi), %eax
	rep stosl
	dec %edx
	jnz 2b
	ret

/* The VGA gets its memory at FB. */
find:	mov $0x80000000, %ebx
3:	mov %ebx, %eax
	mov $0xcf8, %dx
	out %eax, %dx
	mov $0xcfc, %dx
	in %dx, %eax
	cmp $0x11111234, %eax
	je 4f
	add $0x800, %ebx
	cmp $0x80010000, %ebx
	jb 3b
	mov $none, %esi
	call say
	hlt
4:	lea 0x10(%ebx), %eax
	mov $FB, %ecx
	call config
	lea 4(%ebx), %eax
	mov $3, %ecx
config:	mov $0xcf8, %dx
	out %eax, %dx
	mov $0xcfc, %dx
	mov %ecx, %eax
	out %eax, %dx
	ret

say:	lodsb
	test %al, %al
	jz 6f
	mov %al, %bl
	mov $0x3fd, %dx
5:	in %dx, %al
	test $0x20, %al
	jz 5b
	mov %bl, %al
	mov $0x3f8, %dx
	out %al, %dx
	jmp say
6:	ret

painted: .asciz "painted\r\n"
none:	.asciz "no VGA\r\n"
	.align 4
colours: .long 0xc00000, 0x00c000, 0x0000c0, 0xffffff
colour:	.long 0
width:	.long 0
height:	.long 0
sizes:	.long 0, 0, 0xffff, 0xffff, 1, 1, 8, 0xffff, 0xffff, 1, 2560, 1600, 0, 768, 64, 3, -1
	.skip 256
stack:
